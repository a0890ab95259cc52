"""Count what automation did."""

from collections.abc import Sequence

from billing.application.work import Work
from billing.domain.metering import Execution, increments_of_executions


async def meter_executions(executions: Sequence[Execution], work: Work) -> None:
    """Add a batch of executed rules to the meters."""
    await work.meters.add(increments_of_executions(executions))
