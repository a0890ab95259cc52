"""Workflows that always run, one for each id: whoever finds one missing starts it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kernel.backoff import Backoff

from durable import gauges
from durable.temporal import Temporal, TemporalAwayError

EVERY_S = 60.0


@dataclass(frozen=True)
class Standing:
    """A workflow by the name of its type, and the one argument that it starts with."""

    workflow: str
    id: str
    queue: str
    argument: Any


class StandingWorkflows:
    """A kernel Role: looks at its start and once a minute whether all of them run; sooner while Temporal is away."""

    def __init__(self, temporal: Temporal, wanted: Sequence[Standing], every_s: float = EVERY_S) -> None:
        self.name = "standing workflows"
        self._temporal = temporal
        self._wanted = wanted
        self._every_s = every_s

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until told to stop."""
        backoff = Backoff(0.5, 5.0)
        while not stopping.is_set():
            try:
                await self.start_missing()
                backoff.reset()
                wait_s = self._every_s
            except TemporalAwayError:
                wait_s = backoff.next_s()
            try:
                async with asyncio.timeout(wait_s):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def start_missing(self) -> None:
        """Start what does not run; what runs is left alone. Raises TemporalAwayError."""
        gauges.WAITING.set(len(self._wanted))
        async with self._temporal.reached() as client:
            from temporalio.common import WorkflowIDConflictPolicy

            for each in self._wanted:
                await client.start_workflow(
                    each.workflow,
                    each.argument,
                    id=each.id,
                    task_queue=each.queue,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                )
        gauges.WAITING.set(0)
