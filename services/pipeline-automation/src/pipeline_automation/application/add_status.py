"""Give a pipeline one more status."""

from collections.abc import Mapping
from typing import Any

from kernel.cause import Cause

from pipeline_automation.application.save_statuses import save_statuses
from pipeline_automation.application.work import Work
from pipeline_automation.domain.pipeline import Status


async def add_status(pipeline_id: str, given: Mapping[str, Any], by: Cause, work: Work) -> str:
    """Return the id of the new status; raise already_exists for a name that is taken in the pipeline."""
    given = dict(given)
    position = given.pop("position", None)
    before = await work.pipelines.get(by.tenant_id, pipeline_id)
    status = Status(id=work.new_id(), **given)
    await save_statuses(before, before.with_status(status, position), by, work)
    return status.id
