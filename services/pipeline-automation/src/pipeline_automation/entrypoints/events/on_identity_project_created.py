"""A new project gets its first pipeline."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_created_v1 import IdentityProjectCreatedV1

from pipeline_automation.application.start_projects import start_projects
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.known import project_in

HEARS = IdentityProjectCreatedV1


async def on_identity_project_created(events: Sequence[Event[IdentityProjectCreatedV1]], work: Work) -> None:
    """Make the default pipelines of new projects."""
    projects = [project_in(event) for event in events]
    await start_projects(projects, {project.key: event for project, event in zip(projects, events, strict=True)}, work)
