"""API keys over HTTP: list, issue, read, revoke."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response
from kernel.errors import DomainError
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.bodies import Id, PathId
from web.caller import Caller, TheCaller
from web.etags import IfMatch, check_version
from web.paging import ListAnswer, Paging, paging
from web.permissions import RANKS, permissions_of, role_named
from web.routes import Routes
from web.works import Work

from identity.application.issue_api_key import issue_api_key
from identity.application.revoke_api_key import revoke_api_key
from identity.application.work import Means
from identity.application.work import Work as IdentityWork
from identity.domain.rights import Asked
from identity.entrypoints.http.asking import person_of
from identity.entrypoints.http.schemas import ApiKeyAnswer, IssuedApiKeyAnswer, NewApiKey

WorkOf = Callable[[UnitOfWork], IdentityWork]


def api_key_routes(work_of: WorkOf, means: Means, api_keys: Listing) -> Routes:
    """Return the routes of API keys; `api_keys` is the list that people may ask for."""
    routes = Routes("api-keys", prefix="/auth/api-keys")

    @routes.get("", permission="self")
    async def list_api_keys(
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(api_keys, sort="-created_at")],
        user_id: Annotated[Id | None, Query()] = None,
    ) -> ListAnswer[ApiKeyAnswer]:
        """List one's own keys, or as an admin those of somebody else."""
        person = await person_of(caller, work_of(work))
        if user_id not in (None, person.user_id) and not _sees_others(caller):
            raise DomainError("permission_denied", "these are somebody else's keys", required="self (admin)")
        wanted = {"user_id": user_id or person.user_id}
        return await page.answer(work.connection, caller.tenant_id, wanted=wanted, item=_answer)

    @routes.post("", permission="self", status=201, secret_answer=True)
    async def create_api_key(body: NewApiKey, work: Work, caller: TheCaller, response: Response) -> IssuedApiKeyAnswer:
        """Issue a key; it is shown this once."""
        own = work_of(work)
        person = await person_of(caller, own)
        role = None if body.role is None else role_named(body.role)
        asked = Asked(role, body.permissions, body.project_id, body.expires_at)
        row, key = await issue_api_key(
            body.name, asked, person.user_id, person.maker, by=caller.cause, means=means, work=own
        )
        response.headers["Location"] = f"/api/v1/auth/api-keys/{row['id']}"
        return IssuedApiKeyAnswer.of(_fields(row), api_key=key.text)

    @routes.get("/{api_key_id}", permission="self")
    async def get_api_key(api_key_id: PathId, work: Work, caller: TheCaller) -> ApiKeyAnswer:
        """Read one key."""
        own = work_of(work)
        person = await person_of(caller, own)
        row = await own.api_keys.get(caller.tenant_id, api_key_id)
        if str(row["user_id"]) != person.user_id and not _sees_others(caller):
            raise DomainError("not_found", "there is no such API key")
        return _answer(row)

    @routes.delete("/{api_key_id}", permission="self")
    async def delete_api_key(api_key_id: PathId, work: Work, caller: TheCaller, expected: IfMatch) -> None:
        """Revoke a key; gateways forget it within seconds."""
        own = work_of(work)
        person = await person_of(caller, own)
        await revoke_api_key(
            api_key_id,
            person.user_id,
            others_too=_sees_others(caller),
            by=caller.cause,
            expect=partial(check_version, expected),
            work=own,
        )

    return routes


def _sees_others(caller: Caller) -> bool:
    # A key that was narrowed to some permissions is no administrator, whatever its role.
    return caller.rank >= RANKS["admin"] and caller.permissions >= permissions_of("admin")


def _answer(row: Any) -> ApiKeyAnswer:
    return ApiKeyAnswer.of(_fields(row))


def _fields(row: Any) -> dict[str, Any]:
    given = row["permissions"]
    shown = permissions_of(row["role"], owner=row["owner"]) if given is None else given
    return {**dict(row.items()), "permissions": sorted(shown)}
