"""Change a status of a pipeline."""

from collections.abc import Callable, Mapping
from typing import Any

from kernel.cause import Cause

from pipeline_automation.application.save_statuses import save_statuses
from pipeline_automation.application.work import Work


async def change_status(
    pipeline_id: str, status_id: str, given: Mapping[str, Any], by: Cause, expect: Callable[[int], None], work: Work
) -> None:
    """Change what is given; the others make room where it moves. `expect` raises for a stale version.

    Raises already_exists for a name that is taken, rule_violated where an active pipeline could take nobody in.
    """
    before = await work.pipelines.get(by.tenant_id, pipeline_id)
    expect(before.status(status_id).version)
    await save_statuses(before, before.with_changed_status(status_id, given), by, work)
