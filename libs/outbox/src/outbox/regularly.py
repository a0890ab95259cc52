"""Work that is done now and again, for as long as a process lives: look, wait, look; back off while the database is away."""

import asyncio
from collections.abc import Awaitable, Callable

from kernel.backoff import Backoff
from postgres.database import LOST, PoolExhaustedError
from telemetry.logs import get_logger

log = get_logger(__name__)

SOON_S = (5.0, 300.0)


async def regularly(
    name: str,
    work: Callable[[], Awaitable[object]],
    stopping: asyncio.Event,
    *,
    every_s: float,
    again_s: tuple[float, float] = SOON_S,
) -> None:
    """Do `work` at once, and `every_s` seconds after each time that it was done, until told to stop.

    Where the database is away it is done again after the first of `again_s`, and ever later up to the second. What else it raises
    ends the role, and so the process.
    """
    backoff = Backoff(*again_s)
    while not stopping.is_set():
        wait_s = every_s
        try:
            await work()
            backoff.reset()
        except (*LOST, PoolExhaustedError) as error:
            log.warning("regular work waits for the database", work=name, error_type=type(error).__name__)
            wait_s = backoff.next_s()
        try:
            async with asyncio.timeout(wait_s):
                await stopping.wait()
        except TimeoutError:
            continue
