"""Begin a sign-in, and make the tokens that go with it."""

from dataclasses import dataclass, field
from datetime import datetime

from kernel.errors import DomainError

from identity.application.work import Means, Work
from identity.domain.account import Membership, User, default_of
from identity.domain.credentials import make_refresh_token


@dataclass(frozen=True)
class Tokens:
    """What a sign-in gives, once."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    refresh_expires_in: int


@dataclass(frozen=True)
class SignedIn:
    """Who signed in, where."""

    user: User
    project: Membership | None
    tokens: Tokens


async def begin_sign_in(user: User, project_id: str | None, *, means: Means, work: Work) -> SignedIn:
    """Return a fresh sign-in of `user`; raise not_found for a project that they are not in."""
    memberships = await work.accounts.memberships(user.tenant_id, user.id, project_id)
    chosen = default_of(memberships, project_id)
    if project_id is not None and chosen is None:
        raise DomainError("not_found", "there is no such project")
    sign_in_id = work.new_id()
    await work.sign_ins.begin(user.tenant_id, sign_in_id, user.id, project_id, work.now)
    tokens = await tokens_of(user, memberships, chosen, sign_in_id, work.now, means=means, work=work)
    return SignedIn(user, chosen, tokens)


async def tokens_of(
    user: User,
    memberships: list[Membership],
    chosen: Membership | None,
    sign_in_id: str,
    signed_in_at: datetime,
    *,
    means: Means,
    work: Work,
) -> Tokens:
    """Return an access token and the refresh token that from now on is the living one of its sign-in."""
    refresh = make_refresh_token()
    until = means.lifetimes.refresh_until(work.now, signed_in_at)
    await work.sign_ins.add_token(user.tenant_id, sign_in_id, work.new_id(), refresh.hash, until, work.now)
    access = means.access_tokens.issue(user, memberships, chosen, sign_in_id, work.new_id(), work.now)
    return Tokens(access, means.lifetimes.access_seconds, refresh.text, int((until - work.now).total_seconds()))
