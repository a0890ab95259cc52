"""Which agent a member is, where somebody other than the membership decides it."""

from kernel.cause import Cause

from identity.application.work import Work
from identity.domain.agent import Agent, refuse_stranger
from identity.domain.membership import Turn


async def refuse_strange_user(agent: Agent, work: Work) -> None:
    """Raise validation_failed for the agent of a person who attends nothing in its project."""
    if agent.user_id is not None:
        refuse_stranger(await work.members.member_of_user(agent.tenant_id, agent.project_id, agent.user_id))


async def tell_agent_of_member(
    before: Agent, after: Agent, turn: Turn, changed_by: str, *, by: Cause, work: Work
) -> None:
    """Let gateways know whose agent it is now: what tokens in hand say of its person, and of the one before, holds no more."""
    if before.attending_user == after.attending_user:
        return
    for user_id in (before.attending_user, after.attending_user):
        member = None if user_id is None else await work.members.member_of_user(by.tenant_id, turn.project_id, user_id)
        if member is None:
            continue
        agent_id = after.id if member.user_id == after.attending_user else None
        await work.members.note_change(
            by.tenant_id, work.new_id(), turn, member.user_id, member.role, agent_id, work.now
        )
        work.announcements.role_changed(member, member.role, turn, changed_by, agent_id, by)
