"""Who is asking: made by the gateway from the credential, carried in the internal token, the same in every service."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request
from kernel.cause import Cause
from kernel.errors import DomainError
from telemetry.tracing import current_traceparent

from web.exchange import exchange_of
from web.permissions import RANKS

SubjectKind = Literal["user", "api_key", "operator", "system"]


@dataclass(frozen=True, slots=True)
class Caller:
    """`subject` is the user's, key's or operator's id; `credential_id` that of the sign-in or API key."""

    tenant_id: str
    project_id: str | None
    subject: str
    subject_kind: SubjectKind
    credential_id: str
    role: str
    owner: bool
    permissions: frozenset[str]
    agent_id: str | None
    request_id: str
    correlation_id: str

    @property
    def rank(self) -> int:
        """Return the role's place in viewer < agent < supervisor < admin < owner."""
        return RANKS["owner"] if self.owner else RANKS.get(self.role, 0)

    @property
    def projects(self) -> tuple[str, ...]:
        """Return the projects whose things exist for this request: what its transactions are opened with."""
        return () if self.project_id is None else (self.project_id,)

    @property
    def cause(self) -> Cause:
        """Return who asked, for the events of what they do."""
        return Cause(
            tenant_id=self.tenant_id,
            actor=f"{self.subject_kind}:{self.subject}",
            correlation_id=self.correlation_id,
            traceparent=current_traceparent(),
        )


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a route asks of its caller: a permission or marker, and a least role."""

    permission: str
    role: str | None = None

    def __str__(self) -> str:
        return f"{self.permission} ({self.role})" if self.role else self.permission

    def check(self, caller: Caller | None) -> None:
        """Raise DomainError unless `caller` may pass: unauthenticated, or permission_denied with what is required."""
        if self.permission == "public":
            return
        if caller is None:
            raise DomainError("unauthenticated", "sign in first")
        if not self._met_by(caller):
            raise DomainError("permission_denied", "you may not do this", required=str(self))

    def _met_by(self, caller: Caller) -> bool:
        if caller.subject_kind == "operator" or self.permission == "operator":
            return (
                caller.subject_kind == self.permission
            )  # operators open no tenant's data, and nobody else their routes
        if self.role is not None and caller.rank < RANKS[self.role]:
            return False
        if self.permission == "owner":
            return caller.owner
        return self.permission == "self" or self.permission in caller.permissions


def client_address(request: Request) -> str:
    """Return the address that a call came from.

    The gateway alone reaches a service and writes `X-Forwarded-For` itself, so its last entry is the client.
    """
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded[:64] or (request.client.host if request.client else "unknown")


async def the_caller(request: Request) -> Caller:
    """Return who is asking. A dependency for routes that are not public."""
    caller = exchange_of(request.scope).caller
    if caller is None:
        raise DomainError("unauthenticated", "sign in first")
    return caller


async def the_project(request: Request) -> str:
    """Return the caller's project; raise not_found for one without. A dependency."""
    project_id = (await the_caller(request)).project_id
    if project_id is None:
        raise DomainError("not_found", "there is no project to look into")
    return project_id


TheCaller = Annotated[Caller, Depends(the_caller)]
TheProject = Annotated[str, Depends(the_project)]
