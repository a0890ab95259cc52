"""Who works in a project, who was asked to, and what nobody may do to whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.errors import DomainError

from identity.domain.rights import PermissionsOf, Rights, lesser

ADMIN, VIEWER = "admin", "viewer"
INVITED_FOR = timedelta(days=7)
MOST_INVITATIONS_A_DAY = 200
"""Of one tenant: each sends a mail to somebody who may never have heard of us."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody was asked to join a project. `id` is that of the member that they become."""

    tenant_id: str
    id: str
    project_id: str
    email: str
    role: str
    create_agent: bool
    invited_by: str
    invited_at: datetime
    expires_at: datetime

    @property
    def makes_agent(self) -> bool:
        """Tell whether whoever accepts attends conversations. Viewers never do."""
        return self.create_agent and self.role != VIEWER


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a project. `owner`: of the tenant, and so an admin in each of its projects."""

    id: str
    user_id: str
    role: str
    version: int
    owner: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn at a project's members: nobody else changes them meanwhile, and `revision` is higher than in all turns before."""

    project_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Others:
    """Who else there is, apart from the member in question: admins of the project, and owners of the tenant, that can sign in."""

    admins: int
    owners: int


@dataclass(frozen=True, slots=True)
class Seat:
    """The agent that a member is in a project, with what became of it: `created`, `activated`, `there` or `deactivated`."""

    id: str
    became: str


def refuse_giving_more(role: str, own: Rights, permissions_of: PermissionsOf) -> None:
    """Raise permission_denied where somebody gives a role that is more than they have."""
    if lesser(role, own.role) != role or not permissions_of(role) <= own.permissions:
        raise DomainError("permission_denied", "nobody gives more than they have", required=role)


def refuse_own_role(member: Member, user_id: str) -> None:
    """Raise rule_violated where somebody changes what they are themselves."""
    if member.user_id == user_id:
        raise DomainError("rule_violated", "nobody changes their own role", rule="own_role")


def refuse_losing(member: Member, role: str | None, others: Others) -> None:
    """Raise last_admin where nobody would be left to run the project or the tenant, None for `role` being removal.

    Raises rule_violated for one owner of several: they are admins everywhere, whatever is written down.
    """
    if member.owner and role != ADMIN:
        if not others.owners:
            raise DomainError("last_admin", "the last owner stays an admin everywhere")
        raise DomainError("rule_violated", "an owner is an admin everywhere", rule="owner_is_admin")
    if member.role == ADMIN and role != ADMIN and not others.admins:
        raise DomainError("last_admin", "a project keeps an admin")
