"""Accept an invitation with the token that was mailed: as somebody new, or as whoever is signed in with that address."""

from dataclasses import dataclass, field, replace

from kernel.cause import Cause
from kernel.errors import DomainError, FieldError

from identity.application.begin_sign_in import SignedIn, begin_sign_in
from identity.application.seat_member import seat_member
from identity.application.work import NOBODY, Means, Work
from identity.domain.account import User
from identity.domain.credentials import hash_of
from identity.domain.membership import Invitation, Turn
from identity.domain.password_rule import check_password, normalised

KIND = "invitation"


@dataclass(frozen=True)
class Acceptance:
    """A token, and what somebody new tells of themselves. `signed_in` is the tenant and user of whoever is no stranger."""

    token: str = field(repr=False)
    name: str | None
    password: str | None = field(repr=False)
    signed_in: tuple[str, str] | None


async def accept_invitation(asked: Acceptance, *, by: Cause, means: Means) -> SignedIn:
    """Return a fresh sign-in to the project.

    Raises invalid_credentials for a token that is unknown, used, taken back or expired; conflict for whoever is signed in as
    somebody else; already_exists for an address that has an account, whose owner signs in first; validation_failed.
    """
    token_hash = hash_of(asked.token)
    async with means.open_work([NOBODY]) as work:
        invitation = await _opened_by(token_hash, work)
        found = await work.accounts.find_by_email(invitation.email)
    known = None if found is None else (found.tenant_id, found.user_id)
    if asked.signed_in is not None:
        if asked.signed_in != known or known[0] != invitation.tenant_id:
            raise DomainError("conflict", "the invitation is for another e-mail address")
        password_hash = None
    else:
        if known is not None:
            raise DomainError("already_exists", "that e-mail address has an account; sign in, then accept")
        password_hash = await _new_password(asked, invitation, means)
    async with means.open_work([invitation.tenant_id]) as work:
        turn = await work.members.take_turn(invitation.tenant_id, invitation.project_id)
        if token_hash not in await work.mails.use_up(invitation.tenant_id, KIND, invitation.id, work.now):
            raise _refused()
        if not await work.members.end_invitation(invitation.tenant_id, invitation.id, "accepted"):
            raise _refused()
        await work.accounts.refuse_suspended(invitation.tenant_id)
        user_id = work.new_id() if known is None else known[1]
        cause = replace(by, tenant_id=invitation.tenant_id, actor=f"user:{user_id}")
        if password_hash is not None:
            assert asked.name is not None
            await work.accounts.add_user(
                invitation.tenant_id, user_id, work.new_id(), asked.name, invitation.email, password_hash, work.now
            )
        user = await work.accounts.user(invitation.tenant_id, user_id)
        if not user.active:
            raise _refused()
        if password_hash is not None:
            work.announcements.user_registered(user, cause)
        await _join(invitation, user, turn, cause, work)
        work.audit.wrote(user.tenant_id, user.id)
        return await begin_sign_in(user, invitation.project_id, means=means, work=work)


async def _opened_by(token_hash: bytes, work: Work) -> Invitation:
    found = await work.mails.find_token(token_hash)
    if found is None:
        raise _refused()
    await work.enter(found[0])
    row = await work.mails.token(*found)
    if row["kind"] != KIND or row["used_at"] is not None or row["expires_at"] <= work.now:
        raise _refused()
    invitation = await work.members.invitation(found[0], str(row["about_id"]))
    if invitation is None:
        raise _refused()
    return invitation


async def _new_password(asked: Acceptance, invitation: Invitation, means: Means) -> str:
    missing = [name for name in ("name", "password") if getattr(asked, name) is None]
    if asked.name is None or asked.password is None:
        fields = tuple(FieldError(f"/{name}", "missing", "required of somebody new") for name in missing)
        raise DomainError("validation_failed", f"{len(fields)} fields need attention", fields=fields)
    check_password(asked.password, email=invitation.email, name=asked.name)
    return await means.passwords.hash(normalised(asked.password))


async def _join(invitation: Invitation, user: User, turn: Turn, by: Cause, work: Work) -> None:
    await work.members.join(invitation, user.id, work.now)
    agent_id = None
    if invitation.makes_agent:
        agent_id = await seat_member(user, invitation.project_id, by=by, work=work)
    await work.members.note_change(user.tenant_id, work.new_id(), turn, user.id, invitation.role, agent_id, work.now)
    work.announcements.member_joined(invitation.id, turn, user.id, invitation.role, agent_id, by)


def _refused() -> DomainError:
    return DomainError("invalid_credentials", "the token is wrong, was used or has expired; ask for another invitation")
