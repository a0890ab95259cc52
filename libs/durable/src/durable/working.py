"""A worker on one task queue, as a role that outlives Temporal's absence."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kernel.backoff import Backoff

from durable.temporal import Temporal, TemporalAwayError

if TYPE_CHECKING:
    from temporalio.client import Client

AT_ONCE = 4
STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Definitions:
    """What a worker can do: classes of workflows, and activities."""

    workflows: Sequence[type]
    activities: Sequence[Callable[..., Any]]


class TaskQueueWorker:
    """A kernel Role: takes tasks of one queue. Until Temporal answers it tries again and again; afterwards the SDK does."""

    def __init__(self, temporal: Temporal, queue: str, define: Callable[[], Definitions]) -> None:
        """`define` is called once Temporal answers, so that what imports `temporalio` may be imported there."""
        self.name = f"work {queue}"
        self._temporal = temporal
        self._queue = queue
        self._define = define

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; a worker that fails is made anew."""
        backoff = Backoff(0.5, 5.0)
        while not stopping.is_set():
            try:
                await self._work(await self._temporal.ready(), stopping)
            except TemporalAwayError:
                pass
            except RuntimeError as error:  # what a worker raises that cannot go on
                self._temporal.is_away(error)
            try:
                async with asyncio.timeout(backoff.next_s()):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def _work(self, client: "Client", stopping: asyncio.Event) -> None:
        from temporalio.worker import Worker

        from durable.counting import Counted

        definitions = self._define()
        worker = Worker(
            client,
            task_queue=self._queue,
            workflows=definitions.workflows,
            activities=definitions.activities,
            interceptors=[Counted()],
            max_concurrent_workflow_tasks=AT_ONCE,
            max_concurrent_activities=AT_ONCE,
            max_concurrent_workflow_task_polls=2,
            max_concurrent_activity_task_polls=2,
            graceful_shutdown_timeout=timedelta(seconds=STOP_TIMEOUT_S / 2),
        )
        working = asyncio.create_task(worker.run())
        told_to_stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait([working, told_to_stop], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await worker.shutdown()
            await working
        except TimeoutError:
            return  # what it held is given to somebody else when its time is over
        finally:
            told_to_stop.cancel()
            working.cancel()
            await asyncio.gather(working, told_to_stop, return_exceptions=True)
