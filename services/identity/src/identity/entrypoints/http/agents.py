"""Agents over HTTP: list, search, create, read, change, delete, and say whether one is there."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Query, Response
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.bodies import PathId
from web.caller import TheCaller, TheProject
from web.etags import IfMatch, check_version
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from identity.application.change_agent import change_agent as change
from identity.application.create_agent import create_agent as create
from identity.application.delete_agent import delete_agent as delete
from identity.application.set_agent_status import set_agent_status as set_status
from identity.application.work import Work as IdentityWork
from identity.domain.system_agents import AS_COLUMNS
from identity.entrypoints.http.agent_schemas import (
    KINDS,
    ROLES,
    STATUSES,
    AgentAnswer,
    AgentChange,
    AgentStatus,
    FoundAgent,
    NewAgent,
    agent_answer,
    found_agent,
)
from identity.entrypoints.http.asking import person_of

WorkOf = Callable[[UnitOfWork], IdentityWork]
Values = list[str] | None


def agent_routes(work_of: WorkOf, agents: Listing, found: Listing) -> Routes:
    """Return the routes of agents; `agents` is the list that people may ask for, `found` what searches answer."""
    routes = Routes("agents", prefix="/crm/agents")

    @routes.get("", permission="members.view")
    async def list_agents(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(agents, sort="name")],
        type: Annotated[Values, Query(), AnyOf(*KINDS)] = None,
        status: Annotated[Values, Query(), AnyOf(*STATUSES)] = None,
        active: Annotated[bool | None, Query()] = None,
        role: Annotated[Values, Query(), AnyOf(*ROLES)] = None,
        skill: Annotated[Values, Query(), AnyOf()] = None,
        language: Annotated[Values, Query(), AnyOf()] = None,
    ) -> ListAnswer[AgentAnswer]:
        """List the agents of the project, those of the system among them."""
        wanted = {
            "type": type,
            "status": status,
            "active": active,
            "role": role,
            "skill": skill,
            "language": language,
        }
        return await page.answer(
            work.connection, caller.tenant_id, project_id, *AS_COLUMNS, wanted=wanted, item=agent_answer
        )

    @routes.get("/search", permission="members.view")
    async def search_agents(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(found, sort="-relevance")],
        q: Annotated[str, Query(min_length=2, max_length=200)],
    ) -> ListAnswer[FoundAgent]:
        """Search the agents of the project by name and e-mail address."""
        return await page.answer(
            work.connection, caller.tenant_id, project_id, *AS_COLUMNS, q.lower(), item=found_agent
        )

    @routes.post("", permission="members.manage", status=201)
    async def create_agent(
        body: NewAgent, work: Work, caller: TheCaller, project_id: TheProject, response: Response
    ) -> AgentAnswer:
        """Make an agent: of a member of the project, or of a program."""
        own = work_of(work)
        person = await person_of(caller, own)
        row = await create(project_id, body.type, body.asked(), person.user_id, by=caller.cause, work=own)
        response.headers["Location"] = f"/api/v1/crm/agents/{row['id']}"
        return agent_answer(row)

    @routes.get("/{agent_id}", permission="members.view")
    async def get_agent(agent_id: PathId, work: Work, caller: TheCaller, project_id: TheProject) -> AgentAnswer:
        """Read an agent."""
        return agent_answer(await work_of(work).agents.shown(caller.tenant_id, project_id, agent_id))

    @routes.patch("/{agent_id}", permission="members.manage")
    async def change_agent(
        agent_id: PathId, body: AgentChange, work: Work, caller: TheCaller, project_id: TheProject, expected: IfMatch
    ) -> AgentAnswer:
        """Change some of what is said of an agent, let it rest or go on."""
        own = work_of(work)
        person = await person_of(caller, own)
        expect = partial(check_version, expected)
        row = await change(project_id, agent_id, body.asked(), person.user_id, by=caller.cause, expect=expect, work=own)
        return agent_answer(row)

    @routes.delete("/{agent_id}", permission="members.manage")
    async def delete_agent(
        agent_id: PathId, work: Work, caller: TheCaller, project_id: TheProject, expected: IfMatch
    ) -> None:
        """Delete an agent; its person stays a member."""
        own = work_of(work)
        person = await person_of(caller, own)
        expect = partial(check_version, expected)
        await delete(project_id, agent_id, person.user_id, by=caller.cause, expect=expect, work=own)

    @routes.put("/{agent_id}/status", permission="self")
    async def set_agent_status(
        agent_id: PathId, body: AgentStatus, work: Work, caller: TheCaller, project_id: TheProject, expected: IfMatch
    ) -> AgentAnswer:
        """Say whether an agent is there: one's own, or any for those who manage members."""
        own = work_of(work)
        person = await person_of(caller, own)
        expect = partial(check_version, expected)
        return agent_answer(
            await set_status(project_id, agent_id, body.status, person, by=caller.cause, expect=expect, work=own)
        )

    return routes
