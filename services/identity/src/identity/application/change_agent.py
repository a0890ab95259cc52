"""Change what is said of an agent, let it rest, or let it go on."""

from collections.abc import Callable, Mapping
from typing import Any

from kernel.cause import Cause

from identity.application.tell_agent_of_member import refuse_strange_user, tell_agent_of_member
from identity.application.work import Work
from identity.domain.agent import Agent, changed, refuse_waking
from identity.domain.system_agents import refuse_system_agent

OF_RESTING = frozenset(("active", "status"))


async def change_agent(
    project_id: str,
    agent_id: str,
    asked: Mapping[str, Any],
    user_id: str,
    *,
    by: Cause,
    expect: Callable[[int], None],
    work: Work,
) -> Any:
    """Return the agent's row. What is as it was before is not said. `user_id` is whoever asks.

    Raises not_found, validation_failed, already_exists, rule_violated for a system agent and for one that rests with a membership.
    """
    refuse_system_agent(agent_id)
    turn = await work.members.take_turn(by.tenant_id, project_id)
    present = await work.agents.lock(by.tenant_id, project_id, agent_id)
    expect(present.version)
    wanted, names = changed(present, asked)
    if "user_id" in names:
        await refuse_strange_user(wanted, work)
    if wanted.active and not present.active:
        await _refuse_waking(wanted, work)
    if names:
        await work.agents.keep(wanted)
        version = present.version + 1
        said = [name for name in names if name not in OF_RESTING]
        if said:
            work.announcements.agent_updated(wanted, version, said, by)
        if "active" in names:
            rests_or_wakes = (
                work.announcements.agent_activated if wanted.active else work.announcements.agent_deactivated
            )
            rests_or_wakes(agent_id, project_id, by)
        await tell_agent_of_member(present, wanted, turn, user_id, by=by, work=work)
    return await work.agents.shown(by.tenant_id, project_id, agent_id)


async def _refuse_waking(agent: Agent, work: Work) -> None:
    member = None
    if agent.user_id is not None:
        member = await work.members.member_of_user(agent.tenant_id, agent.project_id, agent.user_id)
    refuse_waking(agent, member)
