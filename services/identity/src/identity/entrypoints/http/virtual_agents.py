"""Virtual agents over HTTP: make one that stands for somebody of the past, and say until when."""

from collections.abc import Callable
from functools import partial

from fastapi import Response
from outbox.work import UnitOfWork
from web.bodies import PathId
from web.caller import TheCaller, TheProject
from web.etags import IfMatch, check_version
from web.routes import Routes
from web.works import Work

from identity.application.create_virtual_agent import create_virtual_agent as create
from identity.application.end_virtual_period import end_virtual_period as end_period
from identity.application.work import Work as IdentityWork
from identity.entrypoints.http.agent_schemas import AgentAnswer, NewVirtualAgent, PeriodEnd, agent_answer

WorkOf = Callable[[UnitOfWork], IdentityWork]


def virtual_agent_routes(work_of: WorkOf) -> Routes:
    """Return the routes that only virtual agents have; for the rest they are agents."""
    routes = Routes("agents", prefix="/crm/agents")

    async def show_agent(agent_id: PathId, work: Work, caller: TheCaller, project_id: TheProject) -> AgentAnswer:
        """Return one for the audit log; people read it at its own address."""
        return agent_answer(await work_of(work).agents.shown(caller.tenant_id, project_id, agent_id))

    @routes.post("/virtual", permission="members.manage", status=201, shown_by=show_agent)
    async def create_virtual_agent(
        body: NewVirtualAgent, work: Work, caller: TheCaller, project_id: TheProject, response: Response
    ) -> AgentAnswer:
        """Make an agent for somebody of the past, whose messages are in imported history."""
        row = await create(project_id, body.represented(), by=caller.cause, work=work_of(work))
        response.headers["Location"] = f"/api/v1/crm/agents/{row['id']}"
        return agent_answer(row)

    @routes.put("/{agent_id}/virtual/end-period", permission="members.manage")
    async def end_virtual_period(
        agent_id: PathId, body: PeriodEnd, work: Work, caller: TheCaller, project_id: TheProject, expected: IfMatch
    ) -> AgentAnswer:
        """Say until when a virtual agent stands for its person, once."""
        expect = partial(check_version, expected)
        return agent_answer(
            await end_period(project_id, agent_id, body.period_end, by=caller.cause, expect=expect, work=work_of(work))
        )

    return routes
