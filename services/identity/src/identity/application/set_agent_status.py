"""Say that an agent is available, busy, away or offline: its person does, or whoever manages members."""

from collections.abc import Callable
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.recognise_caller import Person
from identity.application.work import Work
from identity.domain.agent import with_status
from identity.domain.system_agents import refuse_system_agent

MANAGING = "members.manage"


async def set_agent_status(
    project_id: str,
    agent_id: str,
    status: str,
    person: Person,
    *,
    by: Cause,
    expect: Callable[[int], None],
    work: Work,
) -> Any:
    """Return the agent's row. The same status again is not said.

    Raises not_found, permission_denied for others' agents, invalid_state for one that rests, rule_violated for one without a status.
    """
    refuse_system_agent(agent_id)
    present = await work.agents.lock(by.tenant_id, project_id, agent_id)
    if present.user_id != person.user_id and MANAGING not in person.maker.rights.permissions:
        raise DomainError("permission_denied", "this is another one's status", required=MANAGING)
    expect(present.version)
    wanted = with_status(present, status)
    if wanted.status != present.status:
        await work.agents.keep_status(wanted, work.now)
        work.announcements.agent_status_changed(wanted, present.status, person.user_id, by)
    return await work.agents.shown(by.tenant_id, project_id, agent_id)
