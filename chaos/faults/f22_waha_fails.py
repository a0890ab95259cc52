"""22. WAHA is down, refuses, is slow, says 500, 502, 429 or half an answer, and above all: accepts a send and loses the answer."""

import asyncio
import random

from load import Load
from scenario import Bites, Scenario
from stand import Stand

PATIENCE_S = "2"
API = {
    "refuse": {"probability": 0.06},
    "stalled": {"probability": 0.05, "seconds": [1.0, 3.0]},
    "not_working": {"probability": 0.05},
    "rate_limited": {"probability": 0.08, "retry_after": 1},
    "error_500": {"probability": 0.08, "after_effect": 0.5},
    "bad_gateway": {"probability": 0.08, "after_effect": 0.5},
    "slow": {"probability": 0.08, "seconds": [1.0, 4.0]},
    "lost_answer": {"probability": 0.2},
    "half_answer": {"probability": 0.15},
    "empty_answer": {"probability": 0.1},
}
"""By the simulator's seed; a call meets the first that strikes it. Half of the slow ones answer after we have given up."""


async def waha_fails(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let all of it happen to a share of the sends, and in the middle let WAHA be down for some seconds."""
    whatsapp = load.tenants[0].whatsapp  # the faults are those of one WAHA, so of all sessions
    await whatsapp.has_faults({"seed": dice.randrange(1_000_000), "api": API})
    await asyncio.sleep(13)
    down_s = dice.uniform(3, 5)
    refused = load.repeated_sends
    await whatsapp.refuses(down_s)
    await asyncio.sleep(down_s + 13)
    met = (await whatsapp.faults())["api"]
    await whatsapp.has_faults({})
    assert load.repeated_sends == refused, "whether WAHA answers is nothing that a program has to wait for"
    return {name: fault["injected"] for name, fault in met.items()} | {"down seconds": round(down_s, 1)}


SCENARIOS = (
    Scenario(
        22,
        "waha-fails",
        "WAHA down, slow, wrong, its answers lost",
        waha_fails,
        {"SEND_ANSWER": PATIENCE_S},
        sends=True,
        tenants=4,
        chats_each=15,
        per_second=30,
        sends_per_second=10,
    ),
)
