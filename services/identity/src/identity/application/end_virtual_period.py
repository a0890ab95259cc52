"""Say until when a virtual agent stands for its person, once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from kernel.cause import Cause

from identity.application.work import Work
from identity.domain.agent import with_period_ended
from identity.domain.system_agents import refuse_system_agent


async def end_virtual_period(
    project_id: str, agent_id: str, period_end: datetime, *, by: Cause, expect: Callable[[int], None], work: Work
) -> Any:
    """Return the agent's row.

    Raises not_found, invalid_state where it has an end, rule_violated for an end before the start and for agents that are not virtual.
    """
    refuse_system_agent(agent_id)
    present = await work.agents.lock(by.tenant_id, project_id, agent_id)
    expect(present.version)
    wanted = with_period_ended(present, period_end)
    await work.agents.keep(wanted)
    work.announcements.agent_updated(wanted, present.version + 1, ["virtual"], by)
    return await work.agents.shown(by.tenant_id, project_id, agent_id)
