"""Members of a project over HTTP: list, invite, give another role, remove."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Query, Response
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.bodies import PathId
from web.caller import TheCaller
from web.etags import IfMatch, check_version
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.permissions import ALIASES, ROLES, role_named
from web.routes import Routes
from web.works import Work

from identity.application.change_role import change_role
from identity.application.invite_member import Invited, invite_member
from identity.application.remove_member import remove_member
from identity.application.work import Means
from identity.application.work import Work as IdentityWork
from identity.entrypoints.http.asking import only_there, person_of
from identity.entrypoints.http.member_schemas import ChangingRole, InvitingMember, MemberAnswer

WorkOf = Callable[[UnitOfWork], IdentityWork]


def member_routes(work_of: WorkOf, means: Means, members: Listing) -> Routes:
    """Return the routes of members; `members` is the list that people may ask for."""
    routes = Routes("members", prefix="/crm/projects/{project_id}/members")

    async def show_member(project_id: PathId, member_id: PathId, work: Work, caller: TheCaller) -> MemberAnswer:
        """Return one for the audit log; people read the list."""
        return MemberAnswer.of(await work_of(work).members.shown(caller.tenant_id, project_id, member_id))

    @routes.get("", permission="members.view")
    async def list_members(
        project_id: PathId,
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(members, sort="joined_at")],
        role: Annotated[list[str] | None, Query(), AnyOf(*ROLES, *ALIASES)] = None,
        status: Annotated[list[str] | None, Query(), AnyOf("invited", "active")] = None,
    ) -> ListAnswer[MemberAnswer]:
        """List who works in a project and who was asked to, these last."""
        only_there(project_id, caller)
        wanted = {"role": role and [_role(each) for each in role], "status": status}
        return await page.answer(work.connection, caller.tenant_id, project_id, wanted=wanted, item=MemberAnswer.of)

    @routes.post("", permission="members.manage", status=201, shown_by=show_member)
    async def invite_member_by_mail(
        project_id: PathId, body: InvitingMember, work: Work, caller: TheCaller, response: Response
    ) -> MemberAnswer:
        """Invite somebody by e-mail; they have 7 days."""
        only_there(project_id, caller)
        own = work_of(work)
        asked = Invited(project_id, body.email, _role(body.role), body.create_agent)
        row = await invite_member(asked, await person_of(caller, own), by=caller.cause, means=means, work=own)
        response.headers["Location"] = f"/api/v1/crm/projects/{project_id}/members"
        return MemberAnswer.of(row)

    @routes.patch("/{member_id}", permission="members.manage", shown_by=show_member)
    async def change_members_role(
        project_id: PathId, member_id: PathId, body: ChangingRole, work: Work, caller: TheCaller, expected: IfMatch
    ) -> MemberAnswer:
        """Give a member another role; gateways go by it within seconds."""
        only_there(project_id, caller)
        own = work_of(work)
        row = await change_role(
            project_id,
            member_id,
            _role(body.role),
            await person_of(caller, own),
            by=caller.cause,
            expect=partial(check_version, expected),
            means=means,
            work=own,
        )
        return MemberAnswer.of(row)

    @routes.delete("/{member_id}", permission="members.manage", shown_by=show_member)
    async def delete_member(
        project_id: PathId, member_id: PathId, work: Work, caller: TheCaller, expected: IfMatch
    ) -> None:
        """Take somebody out of a project, or an invitation back."""
        only_there(project_id, caller)
        own = work_of(work)
        await remove_member(
            project_id,
            member_id,
            await person_of(caller, own),
            by=caller.cause,
            expect=partial(check_version, expected),
            work=own,
        )

    return routes


def _role(name: str) -> str:
    role = role_named(name)
    assert role is not None, "the body takes no other names"
    return role
