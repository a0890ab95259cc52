"""Who asks, in the words of the use cases."""

from kernel.cause import Cause
from kernel.errors import DomainError
from kernel.ids import is_id
from starlette.requests import Request
from telemetry.tracing import current_traceparent
from web.caller import Caller
from web.exchange import exchange_of
from web.works import NOBODY, Scope

from identity.application.recognise_caller import Person, recognise_caller
from identity.application.work import Work
from identity.domain.rights import Rights


def nobody_scope(_: Request) -> Scope:
    """Return the scope of a public route that finds out inside its transaction whose it is."""
    return Scope((NOBODY,), NOBODY, NOBODY)


def cause_of(request: Request) -> Cause:
    """Return what is known of a call before anybody signed in."""
    correlation_id = exchange_of(request.scope).correlation_id
    assert is_id(correlation_id)
    return Cause(
        tenant_id=NOBODY, actor="system:identity", correlation_id=correlation_id, traceparent=current_traceparent()
    )


async def person_of(caller: Caller, work: Work) -> Person:
    """Return the person who calls, by their own sign-in or by a key of theirs."""
    rights = Rights(caller.role, caller.owner, caller.permissions)
    return await recognise_caller(
        caller.subject_kind, caller.subject, caller.credential_id, rights, tenant_id=caller.tenant_id, work=work
    )


def only_there(project_id: str, caller: Caller) -> None:
    """Raise not_found for a project in the path that the caller's rights were not asked of."""
    if caller.project_id != project_id:
        raise DomainError("not_found", "there is no such project")
