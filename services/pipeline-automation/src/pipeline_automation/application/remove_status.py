"""Remove a status from a pipeline, moving those who stand in it elsewhere."""

from collections.abc import Callable, Sequence

from kernel.cause import Cause
from kernel.errors import DomainError, FieldError

from pipeline_automation.application.delete_pipeline import refuse_used
from pipeline_automation.application.move_placements import move_placements
from pipeline_automation.application.save_statuses import save_statuses
from pipeline_automation.application.take_out_contacts import take_out
from pipeline_automation.application.work import Work
from pipeline_automation.domain.pipeline import Pipeline
from pipeline_automation.domain.placement import Move, Placement

REASON = "the status was removed"


async def remove_status(
    pipeline_id: str,
    status_id: str,
    move_to_status_id: str | None,
    by: Cause,
    expect: Callable[[int], None],
    work: Work,
) -> None:
    """Remove a status. `expect` raises for a stale version.

    Raises not_empty while it is in use (contacts may be moved to `move_to_status_id`), rule_violated where that is no status of
    the pipeline or an active pipeline could take nobody in, and invalid_state where nobody can be moved.
    """
    before = await work.pipelines.get(by.tenant_id, pipeline_id)
    status = before.status(status_id)
    expect(status.version)
    after = before.without_status(status_id)
    if move_to_status_id is not None:
        _refuse_elsewhere(after, move_to_status_id)
        present = await work.placements.in_pipeline(by.tenant_id, pipeline_id, status_id, None)
        await _move(present, move_to_status_id, by, work)
    await refuse_used(by.tenant_id, pipeline_id, status_id, work)
    # Those of deleted contacts are left, whom nobody sees.
    left = await work.placements.in_pipeline(by.tenant_id, pipeline_id, status_id, None)
    await take_out(left, REASON, by, work)
    await save_statuses(before, after, by, work)
    work.announcements.status_removed(before, status, move_to_status_id, by)


async def _move(placements: Sequence[Placement], status_id: str, by: Cause, work: Work) -> None:
    moves = [
        Move(
            tenant_id=by.tenant_id,
            project_id=placement.project_id,
            contact_id=placement.contact_id,
            pipeline_id=placement.pipeline_id,
            status_id=status_id,
            actor=by.actor,
            because=by,
            reason=REASON,
        )
        for placement in placements
    ]
    for outcome in await move_placements(moves, work):
        if outcome.result == "refused" and outcome.refusal is not None:
            raise outcome.refusal


def _refuse_elsewhere(pipeline: Pipeline, status_id: str) -> None:
    if all(status.id != status_id for status in pipeline.statuses):
        words = "another status of the pipeline expected"
        problem = FieldError("?move_to_status_id", "not_allowed", words)
        raise DomainError("rule_violated", words, fields=(problem,), rule="status_of_pipeline")
