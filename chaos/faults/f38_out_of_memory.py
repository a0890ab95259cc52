"""38. A consumer may have no more memory than it has: it dies or fails as one that was killed, and parks nothing."""

import asyncio
import random
import resource
import signal

from load import Load
from scenario import Bites, Scenario
from stand import Stand

BURST = 8
BACKLOG_S = 5.0


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let a backlog grow, and let it be met by a consumer that may not have more memory than it has; twice."""
    service, marks = dice.choice(("contact", "session", "messaging")), stand.log_marks()
    usual, deaths = load.per_second, 0
    async with stand.in_place_of(service) as ours:
        for _ in range(2):
            ours.start()
            await ours.until_ready()
            assert ours.process is not None
            ours.process.signal(signal.SIGSTOP)
            load.per_second = usual * BURST
            await asyncio.sleep(BACKLOG_S)
            load.per_second = usual
            most = ours.address_space()
            resource.prlimit(ours.process.pid, resource.RLIMIT_AS, (most, most))
            ours.process.signal(signal.SIGCONT)
            deaths += await ours.died(6)
            if ours.alive():
                ours.process.signal(signal.SIGKILL)  # as the kernel would
                await ours.died(5)
    return {f"{service} was refused memory": deaths + stand.said_since(marks, "MemoryError")}


SCENARIOS = (Scenario(38, "out-of-memory", "Consumer without memory", break_it),)
