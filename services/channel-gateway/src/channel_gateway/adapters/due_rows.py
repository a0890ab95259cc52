"""Working off rows that are due, in one shape: look, work off in a set, until nothing is due; then wait for the next look."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from kernel.backoff import Backoff
from postgres.database import LOST, PoolExhaustedError
from telemetry.logs import get_logger

log = get_logger(__name__)

AT_ONCE = 100

Keys = Sequence[tuple[str, str]]


class DueRows:
    """A kernel Role. `find` returns what is due, at most so many; `work_off` does it and returns how much it did."""

    def __init__(
        self,
        name: str,
        find: Callable[[int], Awaitable[Keys]],
        work_off: Callable[[Keys], Awaitable[int]],
        *,
        every_s: float,
    ) -> None:
        self.name = name
        self._find = find
        self._work_off = work_off
        self._every_s = every_s
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; what fails is tried again soon."""
        backoff = Backoff(0.2, 10.0)
        stop = asyncio.create_task(stopping.wait())
        stop.add_done_callback(lambda _: self.wake())
        try:
            while not stopping.is_set():
                wait_s = self._every_s
                self._woken.clear()
                try:
                    if await self.run_once():
                        wait_s = 0.0
                    backoff.reset()
                except (*LOST, PoolExhaustedError) as error:
                    log.warning("due work waits for the database", work=self.name, error_type=type(error).__name__)
                    wait_s = backoff.next_s()
                await self._pause(wait_s)
        finally:
            stop.cancel()

    async def run_once(self) -> int:
        """Work off what is due now, one set of it; return how much was done."""
        due = await self._find(AT_ONCE)
        return await self._work_off(due) if due else 0

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
