"""The agent that a member is in a project: it comes, rests and comes back with the membership."""

from kernel.cause import Cause

from identity.application.work import Work
from identity.domain.account import User
from identity.domain.agent import agent_of_person


async def seat_member(user: User, project_id: str, *, by: Cause, work: Work) -> str:
    """Let a person attend conversations of a project; return the id of their agent there."""
    seat = await work.members.agent_of(user, project_id, work.new_id())
    if seat.became == "created":
        whose = (user.tenant_id, user.id, user.name, user.email, user.language)
        work.announcements.agent_created(agent_of_person(seat.id, project_id, *whose), by)
    elif seat.became == "activated":
        work.announcements.agent_activated(seat.id, project_id, by)
    return seat.id


async def unseat_member(tenant_id: str, user_id: str, project_id: str, *, by: Cause, work: Work) -> str | None:
    """Let a person attend nothing there any more; return the id of the agent that they were."""
    agent_id = await work.members.rest_agent(tenant_id, project_id, user_id)
    if agent_id is not None:
        work.announcements.agent_deactivated(agent_id, project_id, by)
    return agent_id
