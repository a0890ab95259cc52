"""A project is called otherwise, or lies in another zone."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_updated_v1 import IdentityProjectUpdatedV1

from pipeline_automation.application.start_projects import start_projects
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.known import project_in

HEARS = IdentityProjectUpdatedV1


async def on_identity_project_updated(events: Sequence[Event[IdentityProjectUpdatedV1]], work: Work) -> None:
    """Keep projects as they are now. One that was not heard of yet begins: this may come before the news that it exists."""
    projects = [project_in(event) for event in events]
    because = {project.key: event for project, event in zip(projects, events, strict=True)}
    await start_projects(list({project.key: project for project in projects}.values()), because, work)
    await work.surroundings.keep_projects(projects)
