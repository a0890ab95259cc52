"""What the use cases of this service work with."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from identity.application.announcements import Announcements
from identity.application.workspaces import Agents, Members, Projects
from identity.domain.account import FoundUser, Membership, NewAccount, Organisation, User
from identity.domain.lifetimes import Lifetimes
from identity.domain.rights import PermissionsOf, Terms
from identity.domain.second_factor import SecondFactor

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The tenant of what is counted before any tenant is known."""


class Accounts(Protocol):
    """Tenants, users, projects, agents."""

    async def find_by_email(self, email: str) -> FoundUser | None:
        """Return whose address that is, in whatever tenant."""

    async def slug_is_taken(self, slug: str) -> bool:
        """Tell whether any tenant has that slug."""

    async def open(self, account: NewAccount, now: datetime) -> None:
        """Store all that a registration makes, but keys and sign-ins."""

    async def refuse_suspended(self, tenant_id: str) -> None:
        """Raise account_suspended where a tenant may not grow at the moment."""

    async def organisation(self, tenant_id: str) -> Organisation:
        """Return how a tenant is called, and its language."""

    async def add_user(
        self, tenant_id: str, user_id: str, member_id: str, name: str, email: str, password_hash: str, now: datetime
    ) -> None:
        """Store somebody new in a tenant that there is; raise already_exists for an address that has an account."""

    async def user(self, tenant_id: str, user_id: str) -> User:
        """Return a user; raise not_found."""

    async def memberships(self, tenant_id: str, user_id: str, first: str | None = None) -> list[Membership]:
        """Return the projects that a user may work in, that one first, then the default one; at most 100 and one."""

    async def set_password(
        self, tenant_id: str, user_id: str, password_hash: str, *, instead_of: str | None = None
    ) -> None:
        """Keep the hash of another password; raise conflict where it is not `instead_of` any more."""

    async def lock_profile(self, tenant_id: str, user_id: str) -> Mapping[str, str | None]:
        """Return name, language and timezone as the user gave them, locked until the end of the transaction."""

    async def keep_profile(self, tenant_id: str, user_id: str, profile: Mapping[str, str | None]) -> None:
        """Store name, language and timezone."""

    async def note_sign_in(self, tenant_id: str, user_id: str, password_hash: str | None, now: datetime) -> None:
        """Note a sign-in, and a fresh hash of the same password where there is one; silent."""


class SignIns(Protocol):
    """Sign-ins and their refresh tokens."""

    async def begin(self, tenant_id: str, sign_in_id: str, user_id: str, project_id: str | None, now: datetime) -> None:
        """Store a sign-in, which has no refresh token yet."""

    async def find_refresh_token(self, token_hash: bytes) -> tuple[str, str] | None:
        """Return tenant and id of a refresh token, dead or alive."""

    async def lock(self, tenant_id: str, refresh_token_id: str) -> Any:
        """Return the refresh token's row with that of its sign-in, both locked until the end of the transaction."""

    async def add_token(
        self, tenant_id: str, sign_in_id: str, token_id: str, token_hash: bytes, until: datetime, now: datetime
    ) -> None:
        """Make a refresh token the living one of its sign-in."""

    async def revoke(self, tenant_id: str, sign_in_id: str, because: str, now: datetime) -> bool:
        """End a sign-in; tell whether it had not ended before."""

    async def revoke_all(
        self, tenant_id: str, user_id: str, because: str, now: datetime, *, kept: str | None = None
    ) -> int:
        """End all sign-ins of a user but the kept one; return how many there were."""

    async def revoke_of_project(
        self, tenant_id: str, user_id: str, project_id: str, because: str, now: datetime
    ) -> Sequence[str]:
        """End the sign-ins of a user to one project; return their ids."""


class Attempts(Protocol):
    """Failed sign-ins, per account and address."""

    async def count(self, who: bytes, now: datetime) -> tuple[int, datetime | None]:
        """Count one more attempt; return how many there are now, and until when they are refused unseen."""

    async def block(self, who: bytes, until: datetime) -> None:
        """Refuse further attempts unseen for a while."""

    async def take_back(self, who: bytes) -> None:
        """Forget one attempt, which came to nothing for a reason of our own."""

    async def forget(self, who: bytes) -> None:
        """Start over: somebody knew the password."""


class ApiKeys(Protocol):
    """API keys."""

    async def find(self, key_hash: bytes) -> tuple[str, str] | None:
        """Return tenant and id of a key, whatever its state."""

    async def get(self, tenant_id: str, api_key_id: str, *, lock: bool = False) -> Any:
        """Return a key's row; raise not_found."""

    async def count_usable(self, tenant_id: str, user_id: str, now: datetime) -> int:
        """Return how many usable keys a user has; until the end of the transaction nobody else makes one for them."""

    async def keep(
        self,
        tenant_id: str,
        api_key_id: str,
        user_id: str,
        name: str,
        prefix: str,
        key_hash: bytes,
        terms: Terms,
        now: datetime,
    ) -> Any:
        """Store a key; return its row."""

    async def revoke(self, tenant_id: str, api_key_id: str, now: datetime) -> Any:
        """End a key; return its row."""

    async def touch(self, tenant_id: str, api_key_id: str, now: datetime) -> None:
        """Note that a key was used, at most once a minute; silent."""


class Mails(Protocol):
    """Mails that are to be sent, and the tokens that they carried."""

    async def put_in(
        self, tenant_id: str, mail_id: str, kind: str, address: str, about_id: str | None, now: datetime
    ) -> None:
        """Store a mail, to be sent at once."""

    async def next_due(self, now: datetime) -> tuple[str, str] | None:
        """Return tenant and id of the mail that is due longest, of whatever tenant."""

    async def claim(self, tenant_id: str, mail_id: str, now: datetime, until: datetime) -> Any:
        """Take a mail for oneself until that moment; None where somebody else was faster."""

    async def put_off(self, tenant_id: str, mail_id: str, due_at: datetime | None, error: str) -> None:
        """Try again later, or never."""

    async def delete(self, tenant_id: str, mail_id: str) -> None:
        """Forget a mail: it was sent, or there is nobody to send it to."""

    async def keep_token(
        self,
        tenant_id: str,
        token_id: str,
        kind: str,
        about_id: str,
        mail_id: str,
        token_hash: bytes,
        until: datetime,
        now: datetime,
    ) -> None:
        """Store the hash of a token that is about to be mailed."""

    async def count_others(self, tenant_id: str, kind: str, about_id: str, mail_id: str, since: datetime) -> int:
        """Return how many other mails about one thing were sent since."""

    async def find_token(self, token_hash: bytes) -> tuple[str, str] | None:
        """Return tenant and id of a token, whatever its state."""

    async def token(self, tenant_id: str, token_id: str) -> Any:
        """Return a token's row."""

    async def use_up(self, tenant_id: str, kind: str, about_id: str, now: datetime) -> Collection[bytes]:
        """Use up all living tokens of one thing; return their hashes."""


class SecondFactors(Protocol):
    """Second factors and their recovery codes."""

    async def lock(self, tenant_id: str, user_id: str) -> SecondFactor | None:
        """Return a user's second factor, locked until the end of the transaction."""

    async def begin(self, tenant_id: str, user_id: str, secret: bytes) -> bool:
        """Store a secret that is not confirmed yet; tell whether there was no confirmed one in its place."""

    async def take_step(self, tenant_id: str, user_id: str, step: int, now: datetime) -> None:
        """Note whose code was taken; the first one confirms the factor."""

    async def keep_codes(self, tenant_id: str, user_id: str, hashes: Collection[bytes]) -> None:
        """Store the hashes of recovery codes."""

    async def use_code(self, tenant_id: str, user_id: str, code_hash: bytes, now: datetime) -> bool:
        """Use up a recovery code; tell whether it was a good one."""

    async def end(self, tenant_id: str, user_id: str) -> None:
        """Forget a second factor and its recovery codes."""

    async def is_on(self, tenant_id: str, user_id: str) -> bool:
        """Tell whether a user is asked for a code."""


class Withdrawals(Protocol):
    """What lost its validity."""

    async def since(self, moment: datetime, most: int) -> Sequence[Any]:
        """Return sign-ins and keys of all tenants that were revoked since, and memberships that changed, the oldest first."""


class AuditTrail(Protocol):
    """What the present request leaves in the audit log, for those whose routes cannot tell by themselves."""

    def belongs_to(self, tenant_id: str, user_id: str) -> None:
        """Note whose request it turned out to be."""

    def wrote(self, tenant_id: str, user_id: str) -> None:
        """Say, in this transaction, that a user did what they asked for."""

    def refused(self, tenant_id: str, user_id: str | None) -> None:
        """Say, in this transaction, that somebody failed to prove that they are that user. None: there is no such user."""


class Passwords(Protocol):
    """Slow hashing, a few at once."""

    async def hash(self, password: str) -> str:
        """Return what may be kept of a password."""

    async def verify(self, kept: str | None, password: str) -> bool:
        """Tell whether that is the password. None, for somebody who does not exist, takes the same time."""

    def is_outdated(self, kept: str) -> bool:
        """Tell whether today's hashes are made with more effort."""


class AccessTokens(Protocol):
    """Signing."""

    def issue(
        self,
        user: User,
        memberships: list[Membership],
        chosen: Membership | None,
        sign_in_id: str,
        token_id: str,
        now: datetime,
    ) -> str:
        """Return an access token."""

    def public_keys(self) -> dict[str, Any]:
        """Return the JWKS of what tokens are signed with."""


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    accounts: Accounts
    sign_ins: SignIns
    attempts: Attempts
    api_keys: ApiKeys
    withdrawals: Withdrawals
    mails: Mails
    members: Members
    agents: Agents
    projects: Projects
    second_factors: SecondFactors
    announcements: Announcements
    audit: AuditTrail
    enter: Callable[[str], Awaitable[None]]
    """Go behind the wall of a tenant that was only found out inside the transaction."""
    new_id: Callable[[], str]
    now: datetime


OpenWork = Callable[[Collection[str]], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True)
class Means:
    """What lasts as long as the process."""

    passwords: Passwords
    access_tokens: AccessTokens
    lifetimes: Lifetimes
    permissions_of: PermissionsOf
    open_work: OpenWork
    """For a use case that may not hold a transaction while it waits."""
    wait: Callable[[float], Awaitable[None]]
