"""Delete a pipeline that nothing uses."""

from collections.abc import Callable

from kernel.cause import Cause
from kernel.errors import DomainError

from pipeline_automation.application.arrange_pipelines import arrange_pipelines
from pipeline_automation.application.take_out_contacts import take_out
from pipeline_automation.application.work import Work
from pipeline_automation.domain.pipeline import in_order


async def delete_pipeline(pipeline_id: str, by: Cause, expect: Callable[[int], None], work: Work) -> None:
    """Delete a pipeline. Raises not_empty with who uses it; invalid_state for the default one, where new contacts begin."""
    neighbours = await work.pipelines.neighbours(by.tenant_id, pipeline_id)
    pipeline = await work.pipelines.get(by.tenant_id, pipeline_id)
    expect(pipeline.version)
    if pipeline.is_default:
        raise DomainError(
            "invalid_state", "the default pipeline stays: new contacts begin there", current_state="default"
        )
    await refuse_used(by.tenant_id, pipeline_id, None, work)
    # Those of deleted contacts are left, whom nobody sees.
    left = await work.placements.in_pipeline(by.tenant_id, pipeline_id, None, None)
    await take_out(left, "the pipeline was deleted", by, work)
    version = await work.pipelines.remove(pipeline)
    work.announcements.pipeline_deleted(pipeline, version, by)
    rest = [each for each in neighbours if each.id != pipeline_id]
    await arrange_pipelines(rest, in_order(rest), by, work)


async def refuse_used(tenant_id: str, pipeline_id: str, status_id: str | None, work: Work) -> None:
    """Raise not_empty, naming everything that uses a pipeline, or a status of it."""
    users = {each.used_by: await each.users_of(tenant_id, pipeline_id, status_id) for each in work.in_use}
    users = {name: count for name, count in users.items() if count}
    if users:
        words = ", ".join(f"{count} {name}" for name, count in users.items())
        raise DomainError("not_empty", f"it is in use: {words}", used_by=users)
