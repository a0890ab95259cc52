"""Which own messages prove which sends: by id, or, where the engine takes no id of ours, by chat, text and time, in sending order.

Source: waha/guide.md 13.3, 13.4.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from channel_gateway.domain.sending import Attempt


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """A message of our own number as the provider tells of it. `chats` are all addresses that it names for its chat."""

    provider_id: str
    provider_ref: str | None
    chats: frozenset[str]
    text: str | None = field(repr=False)
    at: datetime


def same_text(left: str | None, right: str | None) -> bool:
    """Tell whether two texts are one, however lines end and whatever blanks surround them."""
    return left is not None and right is not None and _plain(left) == _plain(right)


def may_prove(message: OwnMessage, attempt: Attempt, window: timedelta) -> bool:
    """Tell whether this may be the message that a send without an id of ours made.

    Clocks differ and WhatsApp counts whole seconds, so it may seem a little older than the call.
    """
    if attempt.id_reserved or attempt.sending_at is None or attempt.external_chat_id not in message.chats:
        return False
    since = attempt.sending_at - window
    return since <= message.at <= attempt.sending_at + 2 * window and same_text(message.text, attempt.text)


def proofs(
    attempts: Iterable[Attempt], messages: Iterable[OwnMessage], window: timedelta, *, known: Collection[str] = ()
) -> list[tuple[Attempt, OwnMessage]]:
    """Pair sends with their messages, both in their order; each message proves one send. `known` ids prove others already."""
    free = [message for message in sorted(messages, key=lambda each: each.at) if message.provider_id not in known]
    found: list[tuple[Attempt, OwnMessage]] = []
    for attempt in sorted(attempts, key=_sending_order):
        for message in free:
            if may_prove(message, attempt, window):
                found.append((attempt, message))
                free = [other for other in free if other.provider_id != message.provider_id]
                break
    return found


def waits_for(message: OwnMessage, attempts: Iterable[Attempt], window: timedelta) -> bool:
    """Tell whether it cannot be said yet whose message this is.

    A call without an id of ours is open in its chat, or has ended without an outcome and may have made it.
    """
    return any(
        not each.id_reserved
        and each.external_chat_id in message.chats
        and (each.state == "sending" or (each.state == "unknown" and may_prove(message, each, window)))
        for each in attempts
    )


def _sending_order(attempt: Attempt) -> tuple[datetime, str]:
    assert attempt.sending_at is not None
    return attempt.sending_at, attempt.message_id


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))
