"""Delete an agent. What it attends goes back to routing."""

from collections.abc import Callable
from dataclasses import replace

from kernel.cause import Cause

from identity.application.tell_agent_of_member import tell_agent_of_member
from identity.application.work import Work
from identity.domain.system_agents import refuse_system_agent


async def delete_agent(
    project_id: str, agent_id: str, user_id: str, *, by: Cause, expect: Callable[[int], None], work: Work
) -> None:
    """Its person stays a member. `user_id` is whoever asks. Raises not_found, rule_violated for a system agent."""
    refuse_system_agent(agent_id)
    turn = await work.members.take_turn(by.tenant_id, project_id)
    agent = await work.agents.lock(by.tenant_id, project_id, agent_id)
    expect(agent.version)
    await work.agents.delete(agent, work.now)
    work.announcements.agent_deleted(agent_id, project_id, by)
    await tell_agent_of_member(agent, replace(agent, active=False), turn, user_id, by=by, work=work)
