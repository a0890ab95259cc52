"""38. A consumer may have no more memory than it has: it dies or fails as one that was killed, and parks nothing."""

import asyncio
import random
import resource
import signal

from load import Load
from scenario import Bites, Scenario
from stand import Stand

BURST = 8
BACKLOG_S = 4.0
BIG = {"BUS_BATCH_MAX": "5000", "BUS_PREFETCH": "16"}


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let a backlog grow while the broker is away, so that it comes in full messages to a consumer that may not grow."""
    service, marks = dice.choice(("contact", "session", "messaging")), stand.log_marks()
    usual = load.per_second
    async with stand.in_place_of(service, **BIG) as ours:
        ours.start()
        await ours.until_ready()
        assert ours.process is not None
        await stand.control("stop_app")
        load.per_second = usual * BURST
        await asyncio.sleep(BACKLOG_S)
        load.per_second = usual
        most = ours.address_space()
        resource.prlimit(ours.process.pid, resource.RLIMIT_AS, (most, most))
        await stand.control("start_app")
        died = await ours.died(8)
        if not died:
            ours.process.signal(signal.SIGKILL)  # as the kernel would
            await ours.died(5)
    return {f"{service} was refused memory": died + stand.said_since(marks, "MemoryError")}


SCENARIOS = (Scenario(38, "out-of-memory", "Consumer without memory", break_it),)
