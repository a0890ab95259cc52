"""32. A consumer is stopped in the middle of its work and woken later: its partitions go to another, and what it still held is stale."""

import asyncio
import random
import signal
import time

from load import Load
from scenario import Bites, Scenario
from stand import Stand

STOPPED_S = 34.0
"""The broker drops a consumer that is silent for twice its heartbeat of 10 s, at most 30 s."""


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Run a service as roles apart, with two consumers; stop the one that works, wait until the other does, and wake the first."""
    service = dice.choice(("contact", "session", "messaging"))
    async with stand.in_place_of(service, only="api,relay,work") as rest:
        rest.start()
        async with (
            stand.beside(service, only="consume", called="first") as first,
            stand.beside(service, only="consume", called="second") as second,
        ):
            assert first.process is not None
            assert await stand.counted("batch_size_count", first), "the first one consumes"
            idle = await stand.counted("batch_size_count", second)
            first.process.signal(signal.SIGSTOP)
            stopped = time.monotonic()
            try:
                await asyncio.sleep(STOPPED_S)
                taken_over = await stand.counted("batch_size_count", second) - idle
            finally:
                first.process.signal(signal.SIGCONT)
            bites = {"seconds stopped": round(time.monotonic() - stopped), "batches of the other": taken_over}
    return {f"{service}: {name}": times for name, times in bites.items()}


SCENARIOS = (Scenario(32, "consumer-stopped", "Working consumer stopped for 34 s, then woken", break_it),)
