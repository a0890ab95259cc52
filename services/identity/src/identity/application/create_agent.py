"""Make an agent: of a member of the project, or of a program."""

from collections.abc import Mapping
from typing import Any

from kernel.cause import Cause

from identity.application.tell_agent_of_member import refuse_strange_user, tell_agent_of_member
from identity.application.work import Work
from identity.domain.agent import Agent, changed


async def create_agent(
    project_id: str, kind: str, asked: Mapping[str, Any], user_id: str, *, by: Cause, work: Work
) -> Any:
    """Return the agent's row. `user_id` is whoever asks.

    Raises validation_failed naming the field, already_exists for a person who is an agent there already.
    """
    turn = await work.members.take_turn(by.tenant_id, project_id)
    blank = Agent(by.tenant_id, work.new_id(), project_id, version=1, type=kind, name="")
    agent, _ = changed(blank, asked)
    await refuse_strange_user(agent, work)
    await work.agents.add(agent)
    work.announcements.agent_created(agent, by)
    await tell_agent_of_member(blank, agent, turn, user_id, by=by, work=work)
    return await work.agents.shown(by.tenant_id, project_id, agent.id)
