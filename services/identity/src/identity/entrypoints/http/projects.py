"""Projects over HTTP: list, search, create, read, change, delete."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Query, Response
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.auditing import TheTrail
from web.bodies import Id, PathId, Time
from web.caller import TheCaller
from web.etags import IfMatch, check_version
from web.paging import ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from identity.application.change_project import change_project as change
from identity.application.create_project import create_project as create
from identity.application.delete_project import delete_project as delete
from identity.application.work import Work as IdentityWork
from identity.entrypoints.http.asking import only_there, person_of
from identity.entrypoints.http.project_schemas import (
    FoundProject,
    NewProject,
    ProjectAnswer,
    ProjectChange,
    found_project,
    project_answer,
)

WorkOf = Callable[[UnitOfWork], IdentityWork]


def project_routes(work_of: WorkOf, projects: Listing, found: Listing) -> Routes:
    """Return the routes of projects; `projects` is the list that people may ask for, `found` what searches answer."""
    routes = Routes("projects", prefix="/crm/projects")

    @routes.get("", permission="self")
    async def list_projects(
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(projects, sort="created_at")],
        name: Annotated[str | None, Query(max_length=255)] = None,
        active: Annotated[bool | None, Query()] = None,
        customer_id: Annotated[Id | None, Query()] = None,
        created_after: Annotated[Time | None, Query()] = None,
        created_before: Annotated[Time | None, Query()] = None,
    ) -> ListAnswer[ProjectAnswer]:
        """List the projects that one is in; a key that is bound to one, that one."""
        person = await person_of(caller, work_of(work))
        wanted = {
            "name": name and name.lower(),
            "active": active,
            "customer_id": customer_id,
            "created_after": created_after,
            "created_before": created_before,
        }
        mine = (caller.tenant_id, person.user_id, person.maker.project_id)
        return await page.answer(work.connection, *mine, wanted=wanted, item=project_answer)

    @routes.get("/search", permission="self")
    async def search_projects(
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(found, sort="-relevance")],
        q: Annotated[str, Query(min_length=2, max_length=200)],
    ) -> ListAnswer[FoundProject]:
        """Search the projects that one is in by name and description."""
        person = await person_of(caller, work_of(work))
        mine = (caller.tenant_id, person.user_id, person.maker.project_id)
        return await page.answer(work.connection, *mine, q.lower(), item=found_project)

    @routes.post("", permission="owner", status=201)
    async def create_project(
        body: NewProject, work: Work, caller: TheCaller, response: Response, trail: TheTrail
    ) -> ProjectAnswer:
        """Make another project; whoever makes it is its first admin."""
        trail.of_whole_tenant()
        own = work_of(work)
        person = await person_of(caller, own)
        row = await create(body.asked(), person.user_id, by=caller.cause, work=own)
        response.headers["Location"] = f"/api/v1/crm/projects/{row['id']}"
        return project_answer(row)

    @routes.get("/{project_id}", permission="self")
    async def get_project(project_id: PathId, work: Work, caller: TheCaller) -> ProjectAnswer:
        """Read a project that one is in."""
        only_there(project_id, caller)
        return project_answer(await work_of(work).projects.shown(caller.tenant_id, project_id))

    @routes.patch("/{project_id}", permission="settings.manage")
    async def change_project(
        project_id: PathId, body: ProjectChange, work: Work, caller: TheCaller, expected: IfMatch
    ) -> ProjectAnswer:
        """Change some settings of a project, let it rest or go on."""
        only_there(project_id, caller)
        expect = partial(check_version, expected)
        return project_answer(
            await change(project_id, body.asked(), by=caller.cause, expect=expect, work=work_of(work))
        )

    @routes.delete("/{project_id}", permission="owner")
    async def delete_project(
        project_id: PathId, work: Work, caller: TheCaller, expected: IfMatch, trail: TheTrail
    ) -> None:
        """Delete a project in which no channel works; the default one stays."""
        only_there(project_id, caller)
        trail.of_whole_tenant()  # nobody will ask for the log of a project that is gone
        own = work_of(work)
        person = await person_of(caller, own)
        expect = partial(check_version, expected)
        await delete(project_id, person.user_id, by=caller.cause, expect=expect, work=own)

    return routes
