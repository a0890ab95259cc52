"""Withdraw sends that have not begun: only then can anybody promise that they will not be."""

from collections.abc import Sequence

from channel_gateway.application.work import Work
from channel_gateway.domain.sending import Withdrawal


async def withdraw_sends(wishes: Sequence[Withdrawal], work: Work) -> None:
    """Refuse what still waits, or has not even come yet, as `cancelled`; what has begun goes on and says its own outcome."""
    first = {wish.message_id: wish for wish in reversed(wishes)}
    withdrawn = await work.sending.requests.withdraw(list(first.values()))
    for message_id, attempts in withdrawn.items():
        work.announcements.send_withdrawn(first[message_id], attempts)
