"""A new project gets its first pipeline."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_created_v1 import IdentityProjectCreatedV1

from pipeline_automation.application.start_projects import start_projects
from pipeline_automation.application.work import Work
from pipeline_automation.domain.surroundings import KnownProject

HEARS = IdentityProjectCreatedV1


async def on_identity_project_created(events: Sequence[Event[IdentityProjectCreatedV1]], work: Work) -> None:
    """Make the default pipelines of new projects."""
    projects = [_project(event) for event in events]
    await start_projects(projects, {project.key: event for project, event in zip(projects, events, strict=True)}, work)


def _project(event: Event[IdentityProjectCreatedV1]) -> KnownProject:
    return KnownProject(
        tenant_id=event.tenantid,
        id=event.data.project_id,
        name=event.data.name,
        language=event.data.language,
        timezone=event.data.timezone,
        default_pipeline_id=event.data.default_pipeline_id,
        version=event.data.version,
    )
