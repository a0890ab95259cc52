"""What the gateway alone may ask: who calls with a key, and what was withdrawn lately. In no public document."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from kernel.errors import DomainError, FieldError
from outbox.work import UnitOfWork
from pydantic import Field
from web.bodies import Answer, Body, Id, Time
from web.caller import TheCaller
from web.routes import Routes
from web.works import Work

from identity.application.resolve_api_key import KeyHolder, Place, resolve_api_key
from identity.application.work import Means
from identity.application.work import Work as IdentityWork

WorkOf = Callable[[UnitOfWork], IdentityWork]

MOST_WITHDRAWALS = 10_000
USUALLY = timedelta(hours=1)
FARTHEST = timedelta(hours=24)


class KeyHash(Body):
    """The SHA-256 of an API key, in hexadecimal."""

    key_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class PlaceAnswer(Answer):
    """A project that the key opens, and what it may do there now."""

    project_id: Id
    role: str
    owner: bool
    permissions: list[str]
    agent_id: Id | None


class KeyHolderAnswer(Answer):
    """Who calls. The fields of one project are those of a call that names none; `projects` has them all."""

    tenant_id: Id
    user_id: Id
    credential_id: Id
    expires_at: Time | None
    project_id: Id | None
    role: str | None
    owner: bool
    permissions: list[str]
    agent_id: Id | None
    projects: list[PlaceAnswer]


class WithdrawalAnswer(Answer):
    """A sign-in or key that is good no more, or a membership that is another: of which role, with which agent, null for none."""

    kind: Literal["sign_in", "api_key", "membership"]
    id: Id
    tenant_id: Id
    user_id: Id
    at: Time
    project_id: Id | None
    role: str | None
    agent_id: Id | None
    revision: int | None


class WithdrawalsAnswer(Answer):
    """The oldest first; where there are more, ask again since the last one's time."""

    data: list[WithdrawalAnswer]
    has_more: bool


async def only_the_gateway(caller: TheCaller) -> None:
    """Refuse everybody whose token was made for somebody's request and not for the gateway's own."""
    if caller.subject_kind != "system":
        raise DomainError("permission_denied", "this is between services", required="system")


def gateway_routes(work_of: WorkOf, means: Means) -> Routes:
    """Return the routes of the gateway."""
    routes = Routes("gateway", prefix="/internal")
    # The marker lets any verified caller through; the dependency then asks for the gateway itself.
    ours: dict[str, Any] = {"permission": "self", "in_documents": False, "dependencies": [Depends(only_the_gateway)]}

    @routes.post("/api-keys/resolve", writes=False, **ours)
    async def resolve(body: KeyHash, work: Work) -> KeyHolderAnswer:
        """Tell who calls with a key; 404 with a `reason` for one that is unknown, revoked or expired."""
        return _holder(await resolve_api_key(bytes.fromhex(body.key_hash), means=means, work=work_of(work)))

    @routes.get("/withdrawals", **ours)
    async def withdrawals(work: Work, since: Annotated[Time | None, Query()] = None) -> WithdrawalsAnswer:
        """Tell what was withdrawn since a moment of the last day; usually of the last hour."""
        if since is not None and since < work.now - FARTHEST:
            field = FieldError("?since", "out_of_range", "a time of the last 24 hours expected")
            raise DomainError("validation_failed", "1 field needs attention", fields=(field,))
        rows = await work_of(work).withdrawals.since(since or work.now - USUALLY, MOST_WITHDRAWALS + 1)
        shown = [WithdrawalAnswer.of(row) for row in rows[:MOST_WITHDRAWALS]]
        return WithdrawalsAnswer(data=shown, has_more=len(rows) > MOST_WITHDRAWALS)

    return routes


def _holder(holder: KeyHolder) -> KeyHolderAnswer:
    here = None if holder.place is None else _place(holder.place)
    return KeyHolderAnswer(
        tenant_id=holder.tenant_id,
        user_id=holder.user_id,
        credential_id=holder.credential_id,
        expires_at=holder.expires_at,
        project_id=here.project_id if here else None,
        role=here.role if here else None,
        owner=here.owner if here else False,
        permissions=here.permissions if here else [],
        agent_id=here.agent_id if here else None,
        projects=[_place(place) for place in holder.places],
    )


def _place(place: Place) -> PlaceAnswer:
    return PlaceAnswer(
        project_id=place.membership.project_id,
        role=place.rights.role,
        owner=place.rights.owner,
        permissions=sorted(place.rights.permissions),
        agent_id=place.membership.agent_id,
    )
