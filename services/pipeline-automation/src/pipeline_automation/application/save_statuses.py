"""Store what changed about the statuses of a pipeline, and tell of it."""

from kernel.cause import Cause

from pipeline_automation.application.work import Work
from pipeline_automation.domain.pipeline import Pipeline


async def save_statuses(before: Pipeline, after: Pipeline, by: Cause, work: Work) -> None:
    """Save the pipeline; tell which statuses are new and which changed, their positions included. Nothing new, nothing said."""
    if after == before:
        return
    saved = await work.pipelines.save(before, after)
    known = {status.id: status for status in before.statuses}
    for status in saved.statuses:
        if status.id not in known:
            work.announcements.status_created(saved, status, by)
        elif changed := status.differences(known[status.id]):
            work.announcements.status_updated(saved, status, changed, by)
