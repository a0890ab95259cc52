"""Units of work for routes: asked for as a parameter, opened before the handler, committed before the answer is sent.

    async def create_contact(body: NewContact, work: Work, caller: TheCaller) -> ContactAnswer: ...

The route commits when the handler returns, and rolls back when it raises. The answer leaves after the commit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from kernel.ids import new_id
from outbox.work import UnitOfWork

from web.exchange import exchange_of

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The tenant of what comes before any tenant."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a request's transaction sees, and to whom its idempotency keys belong. `projects` None: all of the tenants'."""

    tenants: tuple[str, ...]
    tenant_id: str
    credential_id: str
    projects: tuple[str, ...] | None = None


ScopeOf = Callable[[Request], Scope]


def caller_scope(request: Request) -> Scope:
    """Return the scope of the request's caller: their own tenant, and of that the projects that they speak of."""
    caller = exchange_of(request.scope).caller
    assert caller is not None
    return Scope((caller.tenant_id,), caller.tenant_id, caller.credential_id, caller.projects)


def fresh_tenant_scope(_: Request) -> Scope:
    """Return the scope of a public route that makes a tenant: `work.tenants[0]` is the id of the new one."""
    return Scope((new_id(), NOBODY), NOBODY, NOBODY)


async def the_work(request: Request) -> UnitOfWork:
    """Return the request's unit of work. A dependency; its presence makes the route open one."""
    work = exchange_of(request.scope).work
    assert work is not None, "the route opens the unit of work"
    return work


Work = Annotated[UnitOfWork, Depends(the_work)]
