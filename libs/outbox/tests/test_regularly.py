"""Regular work: at once, again after a while, soon again where the database was away, and no more when told to stop."""

import asyncio

import pytest
from outbox.regularly import regularly


class Work:
    """Counts how often it is done. The first `failures` times it fails with `error`; the `stop_at`th time it says stop."""

    def __init__(self, stop_at: int, failures: int = 0, error: type[Exception] = OSError) -> None:
        self.stopping = asyncio.Event()
        self.done = 0
        self._stop_at = stop_at
        self._failures = failures
        self._error = error

    async def __call__(self) -> int:
        self.done += 1
        if self.done == self._stop_at:
            self.stopping.set()
        if self.done <= self._failures:
            raise self._error("away")
        return 1


async def test_it_is_done_at_once_and_again_until_told_to_stop() -> None:
    work = Work(stop_at=3)
    await asyncio.wait_for(regularly("toy", work, work.stopping, every_s=0.001), 5)
    assert work.done == 3


async def test_who_waits_for_the_next_time_is_told_to_stop() -> None:
    work = Work(stop_at=0)
    running = asyncio.create_task(regularly("toy", work, work.stopping, every_s=3600))
    await asyncio.sleep(0)
    work.stopping.set()
    await asyncio.wait_for(running, 5)
    assert work.done == 1


async def test_a_database_that_is_away_is_asked_again_soon() -> None:
    work = Work(stop_at=4, failures=3)
    await asyncio.wait_for(regularly("toy", work, work.stopping, every_s=3600, again_s=(0.001, 0.002)), 5)
    assert work.done == 4


async def test_a_mistake_ends_it() -> None:
    work = Work(stop_at=2, failures=1, error=KeyError)
    with pytest.raises(KeyError):
        await regularly("toy", work, work.stopping, every_s=0)
