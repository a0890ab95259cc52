"""13. Postgres ends sessions, locks tables, and is slow: timeouts fire, the door says 503 and does not hang, nothing is written twice."""

import asyncio
import random
import time

from database_harm import end_sessions, locked, master, slowed
from load import Answer, Load
from scenario import Bites, Scenario
from stand import Stand

RAW, MESSAGES = "channel_gateway.inbound_deliveries", "messaging.messages"
SLEEPS_S = 12.0
"""A statement may take 10 s."""
ANSWERED_WITHIN_S = 9.0
"""A webhook's answer, whatever it is: the flusher's deadline, one more for the batch before, and what a busy machine adds."""


async def sessions_ended(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """End a third of all sessions of all services, again and again."""
    repeated = await stand.counted_everywhere("batch_repeats_total")
    ended, until = 0, time.monotonic() + 15
    async with master(stand.product) as connection:
        while time.monotonic() < until:
            ended += await end_sessions(connection, dice, 0.33)
            await asyncio.sleep(dice.uniform(0.2, 0.6))
    repeated = await stand.counted_everywhere("batch_repeats_total") - repeated
    return {"sessions ended": ended, "batches repeated": repeated}


async def tables_locked(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Hold a table of a consumer's for 20 s, and for half of them one of the door's too."""
    repeated, answered = await stand.counted("batch_repeats_total", "messaging"), len(load.answers)
    async with locked(stand.product, MESSAGES):
        await asyncio.sleep(10)
        async with locked(stand.product, RAW):
            await asyncio.sleep(10)
    _require_answers(load.answers[answered:])
    repeated = await stand.counted("batch_repeats_total", "messaging") - repeated
    return {"503": load.refused[503], "batches repeated": repeated}


async def statements_slow(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let inserts of a consumer, and then those of the door, sleep for longer than a statement may take."""
    repeated, answered = await stand.counted("batch_repeats_total", "messaging"), len(load.answers)
    async with slowed(stand.product, SLEEPS_S, MESSAGES):
        await asyncio.sleep(SLEEPS_S)
    async with slowed(stand.product, SLEEPS_S, RAW):
        await asyncio.sleep(5)
    _require_answers(load.answers[answered:])
    repeated = await stand.counted("batch_repeats_total", "messaging") - repeated
    return {"503": load.refused[503], "batches repeated": repeated}


def _require_answers(answers: list[Answer]) -> None:
    """Require that everybody was answered in time, and nobody by anything but 200 or 503."""
    slowest = max((each.took_s for each in answers), default=0.0)
    assert slowest < ANSWERED_WITHIN_S, f"a webhook waited {slowest:.1f} s for its answer"
    strange = {each.status for each in answers} - {200, 503}
    assert not strange, f"the door answered {strange}"


SCENARIOS = (
    Scenario(13, "sessions-ended", "Postgres ends sessions", sessions_ended),
    Scenario(13, "tables-locked", "Tables locked for 20 s", tables_locked),
    Scenario(13, "statements-slow", "Statements slower than allowed", statements_slow),
)
