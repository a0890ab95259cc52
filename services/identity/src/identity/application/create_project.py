"""Make another project of a tenant. Its owner is its first admin."""

from collections.abc import Mapping
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.change_project import refuse_strange_agents
from identity.application.seat_member import seat_member
from identity.application.work import Work
from identity.domain.membership import ADMIN
from identity.domain.project import MOST_PROJECTS, Project, changed


async def create_project(asked: Mapping[str, Any], user_id: str, *, by: Cause, work: Work) -> Any:
    """Return the project's row; what is not asked for is the tenant's or the usual.

    Raises account_suspended, too_many above 100, validation_failed.
    """
    defaults = await work.projects.tenant_defaults(by.tenant_id)
    await work.accounts.refuse_suspended(by.tenant_id)
    if await work.projects.count(by.tenant_id) >= MOST_PROJECTS:
        raise DomainError("too_many", f"at most {MOST_PROJECTS} projects")
    blank = Project(
        tenant_id=by.tenant_id,
        id=work.new_id(),
        version=1,
        name="",
        default_pipeline_id=work.new_id(),
        owner_user_id=user_id,
        timezone=defaults["timezone"],
        country=defaults["country"],
        language=defaults["language"],
    )
    project, _ = changed(blank, asked)
    await refuse_strange_agents(project, work)
    await work.projects.add(project)
    work.announcements.project_created(project, by)
    user = await work.accounts.user(by.tenant_id, user_id)
    member_id = work.new_id()
    turn = await work.members.take_turn(by.tenant_id, project.id)
    await work.members.begin(by.tenant_id, member_id, project.id, user_id, work.now)
    agent_id = await seat_member(user, project.id, by=by, work=work)
    await work.members.note_change(by.tenant_id, work.new_id(), turn, user_id, ADMIN, agent_id, work.now)
    work.announcements.member_joined(member_id, turn, user_id, ADMIN, agent_id, by)
    return await work.projects.shown(by.tenant_id, project.id)
