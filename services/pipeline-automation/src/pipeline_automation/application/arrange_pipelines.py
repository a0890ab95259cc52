"""Keep the positions of a project's pipelines free of gaps."""

from collections.abc import Sequence

from kernel.cause import Cause

from pipeline_automation.application.work import Work
from pipeline_automation.domain.pipeline import Pipeline


async def arrange_pipelines(before: Sequence[Pipeline], after: Sequence[Pipeline], by: Cause, work: Work) -> None:
    """Store and tell the positions that differ, of pipelines that were there before."""
    positions = {pipeline.id: pipeline.position for pipeline in before}
    moved = [pipeline for pipeline in after if positions.get(pipeline.id, pipeline.position) != pipeline.position]
    if not moved:
        return
    for pipeline in await work.pipelines.reposition(moved):
        work.announcements.pipeline_updated(pipeline, ("position",), by)
