"""Send what is to be mailed, one after the other. No transaction is open while a mail leaves.

Who dies in between leaves a mail that is due again two minutes later: somebody may get it twice, nobody not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from identity.application.work import NOBODY, OpenWork, Work
from identity.domain.credentials import make_mail_token
from identity.domain.letters import MOST_RESETS_AN_HOUR, RESET_WITHIN, Letter, Links, guessing_letter, reset_letter

RESET = "password_reset"
LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 8
"""With pauses that double from two minutes on, the last is four hours after the first."""


class MailError(Exception):
    """A mail could not be handed over."""


class Post(Protocol):
    """Whoever carries mails away."""

    async def send(self, letter: Letter) -> None:
        """Hand a mail over; raise MailError where that failed or its outcome is not known."""


@dataclass(frozen=True)
class Outcome:
    """What became of a mail that was due: `sent`, `dropped` (nobody to send it to), `put_off` or `given_up`."""

    kind: str
    became: str
    error: str | None = None


async def send_next_mail(post: Post, links: Links, open_work: OpenWork) -> Outcome | None:
    """Send the mail that is due longest; None where none is."""
    async with open_work([NOBODY]) as work:
        found = await work.mails.next_due(work.now)
        if found is None:
            return None
        tenant_id, mail_id = found
        await work.enter(tenant_id)
        row = await work.mails.claim(tenant_id, mail_id, work.now, work.now + LEASE)
        if row is None:
            return Outcome("", "dropped")  # another replica has it
        letter = await _letter(row, links, work)
        if letter is None:
            await work.mails.delete(tenant_id, mail_id)
            return Outcome(row["kind"], "dropped")
    try:
        await post.send(letter)
    except MailError as error:
        again = row["attempts"] < MOST_ATTEMPTS
        async with open_work([tenant_id]) as work:
            due_at = work.now + LEASE * 2 ** (row["attempts"] - 1) if again else None
            await work.mails.put_off(tenant_id, mail_id, due_at, str(error))
        return Outcome(row["kind"], "put_off" if again else "given_up", str(error))
    async with open_work([tenant_id]) as work:
        await work.mails.delete(tenant_id, mail_id)
    return Outcome(row["kind"], "sent")


async def _letter(row: Mapping[str, Any], links: Links, work: Work) -> Letter | None:
    """Return what a mail says, with a fresh token where it carries one; None where it goes to nobody."""
    found = await work.accounts.find_by_email(row["address"])
    if found is None:
        return None
    await work.enter(found.tenant_id)
    user = await work.accounts.user(found.tenant_id, found.user_id)
    if not user.active:
        return None
    mail_id = str(row["id"])
    if row["kind"] == "guessing":
        return guessing_letter(mail_id, user.name, user.email, user.language, links)
    lately = work.now - timedelta(hours=1)
    if await work.mails.count_others(user.tenant_id, RESET, user.id, mail_id, lately) >= MOST_RESETS_AN_HOUR:
        return None
    token, until = make_mail_token(), work.now + RESET_WITHIN
    await work.mails.keep_token(user.tenant_id, work.new_id(), RESET, user.id, mail_id, token.hash, until, work.now)
    return reset_letter(mail_id, user.name, user.email, user.language, links.reset(token.text), links)
