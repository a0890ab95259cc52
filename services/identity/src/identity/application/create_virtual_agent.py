"""Make an agent that stands for somebody of the past, whose messages are in imported history."""

from typing import Any

from kernel.cause import Cause

from identity.application.work import Work
from identity.domain.agent import VIRTUAL, Agent, Represented, virtual_name


async def create_virtual_agent(project_id: str, represented: Represented, *, by: Cause, work: Work) -> Any:
    """Return the agent's row. It never sends, is never assigned, and never counts. Raises not_found."""
    await work.projects.shown(by.tenant_id, project_id)
    agent = Agent(
        by.tenant_id,
        work.new_id(),
        project_id,
        version=1,
        type=VIRTUAL,
        name=virtual_name(represented.represents_person_name),
        virtual=represented,
    )
    await work.agents.add(agent)
    work.announcements.agent_created(agent, by)
    return await work.agents.shown(by.tenant_id, project_id, agent.id)
