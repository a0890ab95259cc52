"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from messaging.application.announcements import Announcements
from messaging.domain.acknowledgement import Ack, Acknowledged
from messaging.domain.arrival import Arrival, Message
from messaging.domain.conversations import Chat

MessageKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Stored:
    """A message that was new: what it answers, and the receipts that had come before it (level, time)."""

    id: str
    reply_to_message_id: str | None
    early: list[tuple[int, datetime]]


class Chats(Protocol):
    """Where chats are kept."""

    async def by_key(self, arrivals: Sequence[Arrival]) -> list[Chat]:
        """Return the chats of the arrivals' keys, unless closed, locked until the transaction ends."""

    async def by_address(self, arrivals: Sequence[Arrival]) -> list[Chat]:
        """Return the chats that the provider knows by the arrivals' chat ids, unless closed, locked likewise."""

    async def begin(self, chats: Sequence[Chat]) -> None:
        """Store new chats."""

    async def keep(self, chats: Collection[Chat]) -> None:
        """Store what messages changed in chats; an archived one comes back."""

    async def mark_read(self, messages: Sequence[Acknowledged]) -> None:
        """Move the read marks of chats to these messages, only forward, and count what is unread behind them."""


class Messages(Protocol):
    """Where messages and their receipts are kept."""

    async def hold_receipts_back(self, channels: Collection[tuple[str, str]]) -> None:
        """Until the transaction ends, no receipt of these channels (tenant, channel) is put aside for an unknown message."""

    async def hold_arrivals_back(self, channels: Collection[tuple[str, str]]) -> None:
        """Until the transaction ends, no message is stored in these channels."""

    async def known(self, arrivals: Sequence[Arrival]) -> set[MessageKey]:
        """Return which of the arrivals are stored already."""

    async def add(self, messages: Sequence[Message]) -> list[Stored]:
        """Store messages, resolving quotes in both directions; what was stored already is dropped and not returned."""

    async def add_media(self, messages: Sequence[Message]) -> None:
        """Record the files of messages as pending."""

    async def acknowledged(self, acks: Sequence[Ack]) -> list[Acknowledged]:
        """Return the messages that receipts speak of, locked until the transaction ends."""

    async def rise(self, messages: Collection[Acknowledged]) -> None:
        """Store statuses, never backwards, and receipts that came too late."""

    async def put_aside(self, acks: Sequence[Ack]) -> None:
        """Keep receipts of messages that nobody has seen yet; forget those that waited for too long."""


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    chats: Chats
    messages: Messages
    announcements: Announcements
    new_id: Callable[[], str]
    now: datetime
