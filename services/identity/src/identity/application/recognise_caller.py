"""Find out which person calls: a user, or the one whose API key it is."""

from dataclasses import dataclass

from kernel.errors import DomainError

from identity.application.work import Work
from identity.domain.rights import ROLES, Maker, Rights


@dataclass(frozen=True)
class Person:
    """Who calls, and what they could hand on to a key."""

    user_id: str
    maker: Maker


async def recognise_caller(
    kind: str, subject: str, credential_id: str, rights: Rights, *, tenant_id: str, work: Work
) -> Person:
    """Return the person; raise permission_denied for who is none (operators, the gateway itself)."""
    if kind not in ("user", "api_key") or rights.role not in ROLES:
        raise DomainError("permission_denied", "this is for people and their keys", required="self")
    if kind == "user":
        return Person(subject, Maker(rights))
    row = await work.api_keys.get(tenant_id, credential_id)
    bound_to = None if row["project_id"] is None else str(row["project_id"])
    return Person(str(row["user_id"]), Maker(rights, bound_to, row["expires_at"]))
