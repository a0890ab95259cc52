"""Ask for a new password, without knowing the old one.

Nothing is looked up here: whether an address is known shows neither in the answer nor in its time.
"""

from identity.application.work import NOBODY, Work


async def ask_for_reset(email: str, *, work: Work) -> None:
    """Note that somebody asked; whoever sends mails finds out whose address that is."""
    await work.mails.put_in(NOBODY, work.new_id(), "password_reset", email, None, work.now)
