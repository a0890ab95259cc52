"""Group commit: what arrives together is written in one transaction, and each is answered when that has committed.

One flusher writes what waits; what comes meanwhile forms the next batch, so batches grow with the load and one alone
waits for nobody. A batch that fails for its data is halved until the bad one stands alone: the others are not held up.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kernel.errors import DomainError
from kernel.failures import Failure
from telemetry.logs import get_logger
from telemetry.metrics import ITEMS, histogram

log = get_logger(__name__)

BATCH_SIZE = histogram("ingest_batch_size", "webhooks written in one transaction", buckets=ITEMS)

MOST_CONFLICTS = 3
MOST_WAITING_BYTES = 64 * 1024 * 1024
RETRY_AFTER_S = 2

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Pace:
    """How batches are cut. `wait_s` is waited for company only while requests come faster than they are written.

    After a batch of `busy` or more the flusher rests as long as it wrote, `rest_s` at most: half as many commits, twice as large. It
    ends when nobody came for `quiet_s`: where each sender waits for its answer, all who could come are here then.
    """

    most: int = 500
    most_bytes: int = 8 * 1024 * 1024
    wait_s: float = 0.002
    busy: int = 2
    rest_s: float = 0.01
    quiet_s: float = 0.003
    deadline_s: float = 3.0


@dataclass(slots=True)
class _Waiting(Generic[T, R]):
    item: T
    bytes: int
    answer: "asyncio.Future[R]"


class GroupCommit(Generic[T, R]):
    """Writes items in batches for those who wait for the outcome."""

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        salvage: Callable[[T, BaseException], Awaitable[R]],
        *,
        classify: Callable[[BaseException], Failure],
        weigh: Callable[[T], int],
        pace: Pace,
    ) -> None:
        """`write` commits a batch and returns an outcome for each item; `salvage` keeps one that cannot be written."""
        self._write = write
        self._salvage = salvage
        self._classify = classify
        self._weigh = weigh
        self._pace = pace
        self._queue: deque[_Waiting[T, R]] = deque()
        self._queued_bytes = 0
        self._last = 0
        self._flusher: asyncio.Task[None] | None = None
        self._abandoned: set[asyncio.Task[None]] = set()

    async def join(self, item: T) -> R:
        """Return the item's outcome once it is committed.

        Raises dependency_unavailable when it could not be, within a few seconds, or overloaded when too much waits.
        """
        weight = self._weigh(item)
        if self._queued_bytes + weight > MOST_WAITING_BYTES and self._queue:
            raise DomainError("overloaded", "too much is waiting to be stored")
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(item, weight, answer))
        self._queued_bytes += weight
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush(), name="group commit")
        return await answer

    async def _flush(self) -> None:
        try:
            while self._queue:
                # Those who were answered just now are about to come back: writing the first of them alone would make
                # them wait for a whole commit.
                if self._last > 2 and len(self._queue) * 2 < self._last:
                    await asyncio.sleep(self._pace.wait_s)
                batch = self._take()
                self._last = len(batch)
                BATCH_SIZE.observe(len(batch))
                started = time.monotonic()
                await self._settle_in_time(batch)
                if len(batch) >= self._pace.busy:
                    await self._rest(min(self._pace.rest_s, time.monotonic() - started))
        finally:
            self._flusher = None

    async def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            before = len(self._queue)
            await asyncio.sleep(min(left, self._pace.quiet_s))
            if self._queue and len(self._queue) == before:
                return

    def _take(self) -> list[_Waiting[T, R]]:
        batch: list[_Waiting[T, R]] = []
        bytes_taken = 0
        while self._queue and len(batch) < self._pace.most:
            if batch and bytes_taken + self._queue[0].bytes > self._pace.most_bytes:
                break
            waiting = self._queue.popleft()
            bytes_taken += waiting.bytes
            batch.append(waiting)
        self._queued_bytes -= bytes_taken
        return batch

    async def _settle_in_time(self, batch: list[_Waiting[T, R]]) -> None:
        settling = asyncio.create_task(self._settle(batch), name="group commit batch")
        await asyncio.wait({settling}, timeout=self._pace.deadline_s)
        if settling.done():
            return
        # A database that does not even refuse: who waits is told, and the cleaning up goes on without them. Should it
        # commit after all, the provider's repeat is recognised.
        settling.cancel()
        self._abandoned.add(settling)
        settling.add_done_callback(self._abandoned.discard)
        log.warning("storing took too long", items=len(batch), waiting=len(self._queue))
        waiting, self._queue = [*batch, *self._queue], deque()
        self._queued_bytes = 0
        _refuse(waiting)

    async def _settle(self, batch: list[_Waiting[T, R]]) -> None:
        try:
            outcomes = await self._write_repeatedly([waiting.item for waiting in batch])
        except Exception as error:
            if self._classify(error) is not Failure.DETERMINISTIC:
                log.warning("storing failed", items=len(batch), error_type=type(error).__name__)
                _refuse(batch)
            elif len(batch) == 1:
                await self._keep_alone(batch[0], error)
            else:
                middle = len(batch) // 2
                await self._settle(batch[:middle])
                await self._settle(batch[middle:])
            return
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(outcome)

    async def _write_repeatedly(self, items: Sequence[T]) -> Sequence[R]:
        """Write; again at once where two transactions met, and once where a connection turned out to be dead."""
        started = time.monotonic()
        conflicts = lost = 0
        while True:
            try:
                return await self._write(items)
            except Exception as error:
                failure = self._classify(error)
                if failure in (Failure.CONFLICT, Failure.RACE) and conflicts < MOST_CONFLICTS:
                    conflicts += 1
                elif failure is Failure.INFRASTRUCTURE and not lost and time.monotonic() - started < 0.5:
                    lost += 1
                else:
                    raise

    async def _keep_alone(self, waiting: _Waiting[T, R], error: Exception) -> None:
        log.warning("one could not be stored as it is", error_type=type(error).__name__)
        try:
            outcome = await self._salvage(waiting.item, error)
        except Exception as second:
            log.error("one could not be stored at all", error_type=type(second).__name__)
            _refuse([waiting])
            return
        if not waiting.answer.done():
            waiting.answer.set_result(outcome)


def _refuse(batch: Sequence[_Waiting[T, R]]) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(
                DomainError("dependency_unavailable", "it could not be stored now", retry_after=RETRY_AFTER_S)
            )
