"""What an API key may do: never more than its maker, neither when it is made nor ever after.

The table of roles and permissions is handed in (web.permissions holds it once, as data).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kernel.errors import DomainError

from identity.domain.refusals import refused

ROLES = ("viewer", "agent", "supervisor", "admin")
"""From the least to the most."""


class PermissionsOf(Protocol):
    """The table of roles and permissions."""

    def __call__(self, role: str, *, owner: bool = False) -> frozenset[str]:
        """Return the permissions of a role; an owner has all of them."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do in one project."""

    role: str
    owner: bool
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a key was made for. `permissions` is None where nothing but the role narrows it."""

    role: str
    owner: bool
    permissions: frozenset[str] | None
    project_id: str | None
    expires_at: datetime | None

    def shown(self, permissions_of: PermissionsOf) -> frozenset[str]:
        """Return the permissions that the key has while its maker keeps theirs."""
        return permissions_of(self.role, owner=self.owner) if self.permissions is None else self.permissions


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller wants of a new key."""

    role: str | None = None
    permissions: Collection[str] | None = None
    project_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes a key: their rights, and what binds them if they are a key themselves."""

    rights: Rights
    project_id: str | None = None
    expires_at: datetime | None = None


def lesser(one: str, other: str) -> str:
    """Return the lesser of two roles."""
    return min(one, other, key=ROLES.index)


def terms_of(asked: Asked, maker: Maker, now: datetime, permissions_of: PermissionsOf) -> Terms:
    """Return what the new key is for; raise DomainError where it would be more than its maker, or lies in the past."""
    own = maker.rights
    role = asked.role or own.role
    if lesser(role, own.role) != role:
        raise DomainError("permission_denied", "a key cannot have more than its maker", required=role)
    owner = own.owner and asked.role is None
    whole = permissions_of(role, owner=owner)
    return Terms(
        role,
        owner,
        _narrowed(asked.permissions, whole, own.permissions),
        _project(asked.project_id, maker.project_id),
        _expiry(asked.expires_at, maker.expires_at, now),
    )


def present_rights(terms: Terms, maker_role: str, maker_is_owner: bool, permissions_of: PermissionsOf) -> Rights:
    """Return what a key may do now, after whatever has become of its maker."""
    role = terms.role if maker_is_owner else lesser(terms.role, maker_role)
    # Not the lesser role's permissions: a viewer may see figures that an agent may not.
    permissions = terms.shown(permissions_of) & permissions_of(maker_role, owner=maker_is_owner)
    # What belongs to owners concerns the whole tenant: a narrowed or bound key is no owner.
    owner = terms.owner and maker_is_owner and terms.permissions is None and terms.project_id is None
    return Rights(role, owner, permissions)


def _narrowed(asked: Collection[str] | None, whole: frozenset[str], own: frozenset[str]) -> frozenset[str] | None:
    if asked is None:
        return None if whole <= own else whole & own
    if not whole.issuperset(asked):
        raise refused("permissions", "not_allowed", "the key's role does not have all of these")
    if not own.issuperset(asked):
        beyond = sorted(set(asked) - own)
        raise DomainError("permission_denied", "a key cannot have more than its maker", required=beyond[0])
    return frozenset(asked)


def _project(asked: str | None, bound_to: str | None) -> str | None:
    if bound_to is not None and asked not in (None, bound_to):
        raise refused("project_id", "not_found", "there is no such project")
    return asked or bound_to


def _expiry(asked: datetime | None, own: datetime | None, now: datetime) -> datetime | None:
    if asked is not None and asked <= now:
        raise refused("expires_at", "out_of_range", "a time to come expected")
    if own is not None and (asked is None or asked > own):
        if asked is not None:
            raise refused("expires_at", "out_of_range", "not later than the key that makes it")
        return own
    return asked
