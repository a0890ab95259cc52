"""10. All connections of the broker are closed by it, every 3 s. Everybody comes back each time; stale tags are dropped."""

import asyncio
import random
import time

from load import Load
from scenario import Bites, Scenario
from stand import Stand

ROUNDS = 5
EVERY_S = 3.0


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Close them five times; an ack with a tag of an older channel would close that with a 406."""
    marks, refused = stand.log_marks(), sum(load.refused.values())
    for _ in range(ROUNDS):
        began = time.monotonic()
        await stand.control("close_all_connections", "chaos")
        await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))
    assert stand.said_since(marks, "PRECONDITION_FAILED") == 0, "an ack with a stale tag"
    assert sum(load.refused.values()) == refused, "the door is none of the broker's business"
    return {"rounds": ROUNDS, "connections closed": stand.said_since(marks, "Unexpected connection close")}


SCENARIOS = (Scenario(10, "connections-killed", "Broker closes all connections every 3 s", break_it),)
