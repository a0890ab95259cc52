"""Tell the gateway who calls with an API key, and what they may do now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.errors import DomainError

from identity.application.work import Means, Work
from identity.domain.account import Membership, default_of
from identity.domain.rights import Rights, Terms, present_rights


@dataclass(frozen=True)
class Place:
    """A project that the key opens, with what it may do there."""

    membership: Membership
    rights: Rights


@dataclass(frozen=True)
class KeyHolder:
    """Who calls. `place` is where they work unless they ask for another of `places`."""

    tenant_id: str
    user_id: str
    credential_id: str
    expires_at: datetime | None
    place: Place | None
    places: Sequence[Place]


async def resolve_api_key(key_hash: bytes, *, means: Means, work: Work) -> KeyHolder:
    """Return who calls; raise not_found with the reason (unknown, revoked or expired) for a key that is good no more.

    A key has at most what its maker has at this moment; one whose maker is gone is revoked.
    """
    found = await work.api_keys.find(key_hash)
    if found is None:
        raise _refused("unknown")
    tenant_id, api_key_id = found
    await work.enter(tenant_id)
    row = await work.api_keys.get(tenant_id, api_key_id)
    if row["revoked_at"] is not None:
        raise _refused("revoked")
    if row["expires_at"] is not None and row["expires_at"] <= work.now:
        raise _refused("expired")
    user_id = str(row["user_id"])
    user = await work.accounts.user(tenant_id, user_id)
    if not user.active:
        raise _refused("revoked")
    terms = Terms(
        row["role"],
        row["owner"],
        None if row["permissions"] is None else frozenset(row["permissions"]),
        None if row["project_id"] is None else str(row["project_id"]),
        row["expires_at"],
    )
    places = {
        each.project_id: Place(each, present_rights(terms, each.role, user.owner, means.permissions_of))
        for each in await work.accounts.memberships(tenant_id, user_id, terms.project_id)
        if terms.project_id in (None, each.project_id)
    }
    default = default_of([place.membership for place in places.values()])
    await work.api_keys.touch(tenant_id, api_key_id, work.now)
    return KeyHolder(
        tenant_id,
        user_id,
        api_key_id,
        terms.expires_at,
        None if default is None else places[default.project_id],
        list(places.values()),
    )


def _refused(reason: str) -> DomainError:
    return DomainError("not_found", "there is no such API key", reason=reason)
