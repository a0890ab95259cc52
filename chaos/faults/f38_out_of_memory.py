"""38. A consumer may have no more memory than it has: it dies or fails as one that was killed, and parks nothing."""

import random
import resource
import signal

from lives import pause
from load import Load
from scenario import Bites, Scenario
from stand import Stand

ROOM_BYTES = 256 * 1024
BURST = 6


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Nail its address space to what it has, let more come than before, and give it back to the supervisor."""
    service, marks = dice.choice(("contact", "session", "messaging")), stand.log_marks()
    usual, deaths = load.per_second, 0
    async with stand.in_place_of(service) as ours:
        for _ in range(2):
            ours.start()
            await ours.until_ready()
            await pause(dice, 1, 2)
            assert ours.process is not None
            most = ours.address_space() + ROOM_BYTES
            resource.prlimit(ours.process.pid, resource.RLIMIT_AS, (most, most))
            load.per_second = usual * BURST
            deaths += await ours.died(6)
            load.per_second = usual
            if ours.alive():
                ours.process.signal(signal.SIGKILL)  # as the kernel would
                await ours.died(5)
    return {f"{service} refused memory": deaths + stand.said_since(marks, "MemoryError")}


SCENARIOS = (Scenario(38, "out-of-memory", "Consumer without memory", break_it),)
