"""What a mail that is due says to whom, with a fresh token where it carries one."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from identity.application.work import Work
from identity.domain.account import User
from identity.domain.credentials import make_mail_token
from identity.domain.letters import (
    MOST_RESETS_AN_HOUR,
    RESET_WITHIN,
    Letter,
    Links,
    guessing_letter,
    invitation_letter,
    reset_letter,
)

Row = Mapping[str, Any]
RESET, GUESSING, INVITATION = "password_reset", "guessing", "invitation"


async def write_letter(row: Row, tenant_id: str, links: Links, work: Work) -> Letter | None:
    """Return the letter of a row of mails, which belongs to that tenant or to nobody; None where it goes to nobody."""
    return await _WRITERS[row["kind"]](row, tenant_id, links, work)


async def _reset(row: Row, _: str, links: Links, work: Work) -> Letter | None:
    user = await _user_at(row["address"], work)
    if user is None:
        return None
    mail_id, lately = str(row["id"]), work.now - timedelta(hours=1)
    if await work.mails.count_others(user.tenant_id, RESET, user.id, mail_id, lately) >= MOST_RESETS_AN_HOUR:
        return None
    token, until = make_mail_token(), work.now + RESET_WITHIN
    await work.mails.keep_token(user.tenant_id, work.new_id(), RESET, user.id, mail_id, token.hash, until, work.now)
    return reset_letter(mail_id, user.name, user.email, user.language, links.reset(token.text), links)


async def _guessing(row: Row, _: str, links: Links, work: Work) -> Letter | None:
    user = await _user_at(row["address"], work)
    return None if user is None else guessing_letter(str(row["id"]), user.name, user.email, user.language, links)


async def _invitation(row: Row, tenant_id: str, links: Links, work: Work) -> Letter | None:
    invitation = await work.members.invitation(tenant_id, str(row["about_id"]))
    if invitation is None or invitation.expires_at <= work.now:
        return None
    mail_id, token, until = str(row["id"]), make_mail_token(), invitation.expires_at
    await work.mails.keep_token(
        tenant_id, work.new_id(), INVITATION, invitation.id, mail_id, token.hash, until, work.now
    )
    inviter = await work.accounts.user(tenant_id, invitation.invited_by)
    company = await work.accounts.organisation(tenant_id)
    link = links.invitation(token.text)
    return invitation_letter(mail_id, invitation.email, company.language, inviter.name, company.name, link, links)


async def _user_at(address: str, work: Work) -> User | None:
    found = await work.accounts.find_by_email(address)
    if found is None:
        return None
    await work.enter(found.tenant_id)
    user = await work.accounts.user(found.tenant_id, found.user_id)
    return user if user.active else None


_WRITERS: Mapping[str, Callable[[Row, str, Links, Work], Awaitable[Letter | None]]] = {
    RESET: _reset,
    GUESSING: _guessing,
    INVITATION: _invitation,
}
