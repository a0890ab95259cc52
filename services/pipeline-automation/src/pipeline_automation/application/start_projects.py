"""Give new projects their first pipeline."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_automation.application.place_new_contacts import place_waiting_contacts
from pipeline_automation.application.work import Project, Work
from pipeline_automation.domain.pipeline import Pipeline, free_name, name_key, starting_names, starting_statuses
from pipeline_automation.domain.surroundings import KnownProject


async def start_projects(projects: Sequence[KnownProject], because: Mapping[Project, Any], work: Work) -> None:
    """Make the default pipeline of each project that is new, with its reserved id, and place those who waited for it.

    `because` is the event that told of each project.
    """
    new = await work.surroundings.projects_begin(projects)
    if not new:
        return
    present = await work.pipelines.arranging([project.key for project in new])
    made = [_first_pipeline(project, present[project.key], work) for project in new]
    await work.pipelines.add(made)
    for pipeline in made:
        work.announcements.pipeline_created(pipeline, because[pipeline.tenant_id, pipeline.project_id])
    await place_waiting_contacts({project.key: because[project.key] for project in new}, work)


def _first_pipeline(project: KnownProject, present: Sequence[Pipeline], work: Work) -> Pipeline:
    """Return the default pipeline; people may have been faster and made others, even one of that name."""
    name, statuses = starting_names(project.language)
    return Pipeline(
        tenant_id=project.tenant_id,
        project_id=project.id,
        id=project.default_pipeline_id,
        name=free_name(name, frozenset(name_key(each.name) for each in present)),
        position=len(present),
        is_default=True,
        statuses=starting_statuses(statuses, work.new_id),
    )
