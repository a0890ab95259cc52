"""Whose events are: tenant and project come from the envelope and nowhere else."""

from collections.abc import Mapping, Sequence

from contracts.envelope import AnyEvent

from pipeline_automation.application.work import Contact, Project


def project_of(event: AnyEvent) -> Project:
    """Return tenant and project of an event."""
    assert event.projectid is not None, f"{event.type} belongs to a project"
    return (event.tenantid, event.projectid)


def key_of(event: AnyEvent, id: str) -> Contact:
    """Return tenant, project and the thing with that id of which an event tells."""
    return (*project_of(event), id)


def by_project(events: Sequence[AnyEvent]) -> Mapping[Project, AnyEvent]:
    """Return one event of each project: the first."""
    return {project_of(event): event for event in reversed(events)}
