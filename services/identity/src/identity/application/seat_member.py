"""The agent that a member is in a project: it comes, rests and comes back with the membership."""

from kernel.cause import Cause

from identity.application.work import Work
from identity.domain.account import User


async def seat_member(user: User, project_id: str, *, by: Cause, work: Work) -> str:
    """Let a person attend conversations of a project; return the id of their agent there."""
    agent = await work.members.agent_of(user, project_id, work.new_id())
    if agent.became == "created":
        work.announcements.agent_created(agent.id, user, project_id, by)
    elif agent.became == "activated":
        work.announcements.agent_activated(agent.id, project_id, by)
    return agent.id


async def unseat_member(tenant_id: str, user_id: str, project_id: str, *, by: Cause, work: Work) -> str | None:
    """Let a person attend nothing there any more; return the id of the agent that they were."""
    agent_id = await work.members.rest_agent(tenant_id, project_id, user_id)
    if agent_id is not None:
        work.announcements.agent_deactivated(agent_id, project_id, by)
    return agent_id
