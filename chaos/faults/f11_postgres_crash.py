"""11. Postgres stops at once (as by a power cut, without a checkpoint), is away for some seconds, and recovers."""

import asyncio
import random
import signal

from lives import pause
from load import Load
from scenario import Bites, Scenario
from stand import Stand


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Stop it as `pg_ctl stop -m immediate` does; hold it back for 8 to 10 s."""
    unanswered = sum(load.refused.values())
    async with stand.held_back("postgres"):
        server = stand.process("postgres")
        server.signal(signal.SIGQUIT)
        assert await asyncio.to_thread(server.wait_until_gone, 10), "Postgres does not stop"
        await pause(dice, 8, 10)
        refused = load.refused[503]
    await stand.until_ready("postgres")
    return {"webhooks refused with 503": refused, "attempts repeated": sum(load.refused.values()) - unanswered}


SCENARIOS = (Scenario(11, "postgres-crash", "Postgres stopped at once, away 8 to 10 s", break_it),)
