"""Change the settings of a project, let it rest, or let it go on."""

from collections.abc import Callable, Mapping
from typing import Any

from kernel.cause import Cause

from identity.application.work import Work
from identity.domain.project import Project, changed
from identity.domain.refusals import refused


async def change_project(
    project_id: str, asked: Mapping[str, Any], *, by: Cause, expect: Callable[[int], None], work: Work
) -> Any:
    """Return the project's row. What is as it was before is not said."""
    present = await work.projects.lock(by.tenant_id, project_id)
    expect(present.version)
    wanted, names = changed(present, asked)
    if "agent_assignment" in asked:
        await refuse_strange_agents(wanted, work)
    if names:
        await work.projects.keep(wanted)
        version = present.version + 1
        settings = [name for name in names if name != "active"]
        if settings:
            work.announcements.project_updated(wanted, version, settings, by)
        if "active" in names:
            work.announcements.project_active(project_id, wanted.active, version, by)
    return await work.projects.shown(by.tenant_id, project_id)


async def refuse_strange_agents(project: Project, work: Work) -> None:
    """Raise validation_failed for a project that gives conversations to agents of another, to nobody, or to what attends none."""
    named = set(project.agent_assignment.get("agent_ids", ()))
    if named and named - set(await work.agents.assignable(project.tenant_id, project.id, named)):
        raise refused("agent_assignment/agent_ids", "not_found", "agents of this project expected")
