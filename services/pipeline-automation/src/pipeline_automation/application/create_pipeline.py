"""Make a pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kernel.cause import Cause

from pipeline_automation.application.arrange_pipelines import arrange_pipelines
from pipeline_automation.application.work import Work
from pipeline_automation.domain.pipeline import (
    Pipeline,
    Status,
    arranged,
    refuse_taken_name,
    starting_names,
    starting_statuses,
)


async def create_pipeline(
    given: Mapping[str, Any], statuses: Sequence[Mapping[str, Any]] | None, project_id: str, by: Cause, work: Work
) -> str:
    """Return the id of a new pipeline with the statuses given, or one of each type.

    Raises already_exists for a name that is taken, of the pipeline or among its statuses; rule_violated where no status is open.
    """
    given = dict(given)
    position = given.pop("position", None)
    others = (await work.pipelines.arranging([(by.tenant_id, project_id)]))[by.tenant_id, project_id]
    pipeline = Pipeline(tenant_id=by.tenant_id, project_id=project_id, id=work.new_id(), **given)
    refuse_taken_name(pipeline.name, pipeline.id, others)
    if statuses is None:
        _, names = starting_names(await work.surroundings.language_of(by.tenant_id, project_id) or "pt-BR")
        pipeline = replace(pipeline, statuses=starting_statuses(names, work.new_id))
    for at, fields in enumerate(statuses or ()):
        pipeline = pipeline.with_status(Status(id=work.new_id(), **fields), None, pointer=f"/statuses/{at}/name")
    after = arranged(others, pipeline.sound("/statuses"), position)
    made = next(each for each in after if each.id == pipeline.id)
    await arrange_pipelines(others, after, by, work)
    await work.pipelines.add([made])
    work.announcements.pipeline_created(made, by)
    return made.id
