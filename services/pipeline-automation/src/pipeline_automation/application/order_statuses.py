"""Put the statuses of a pipeline in another order."""

from collections.abc import Callable, Sequence

from kernel.cause import Cause

from pipeline_automation.application.save_statuses import save_statuses
from pipeline_automation.application.work import Work


async def order_statuses(
    pipeline_id: str, status_ids: Sequence[str], by: Cause, expect: Callable[[int], None], work: Work
) -> None:
    """Order the statuses as they are named: all of them, each once."""
    before = await work.pipelines.get(by.tenant_id, pipeline_id)
    expect(before.version)
    await save_statuses(before, before.reordered(status_ids), by, work)
