"""Send what is to be mailed, one after the other. No transaction is open while a mail leaves.

Who dies in between leaves a mail that is due again two minutes later: somebody may get it twice, nobody not at all.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from identity.application.work import NOBODY, OpenWork
from identity.application.write_letter import write_letter
from identity.domain.letters import Letter, Links

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
        letter = await write_letter(row, tenant_id, links, work)
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
