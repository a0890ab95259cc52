"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from messaging.application.announcements import Announcements
from messaging.domain.acknowledgement import Ack
from messaging.domain.arrival import Arrival, Message
from messaging.domain.conversations import Chat
from messaging.domain.outcome import MessageId, Outcome, Twin
from messaging.domain.outgoing import Outgoing
from messaging.domain.progress import Tracked
from messaging.domain.projected import (
    ChannelEnd,
    ChannelNews,
    ChannelStatus,
    ContactLife,
    ContactNews,
    LinkedHandle,
    Resting,
    SessionNews,
)
from messaging.domain.reaching import Person
from messaging.domain.sending_channel import SendingChannel
from messaging.domain.sending_rules import Quoted
from messaging.domain.steps import Step

Key = tuple[str, str]
"""A tenant, and what is looked for in it."""

MessageKey = tuple[str, str, str]
ProjectContact = tuple[str, str, str]
"""A tenant, a project, and a contact in it."""

Early = tuple[int, datetime]
"""A receipt that came before its message: level, time."""


class Stored(NamedTuple):
    """A message that was new: what it answers, and the receipts that had come before it."""

    id: str
    reply_to_message_id: str | None
    early: list[Early]


class Chats(Protocol):
    """Where chats are kept. What they return is locked until the transaction ends, and never closed."""

    async def by_key(self, keys: Collection[Key]) -> list[Chat]:
        """Return the chats with these keys."""

    async def by_id(self, ids: Collection[Key]) -> list[Chat]:
        """Return the chats with these ids."""

    async def by_address(self, addresses: Collection[MessageKey]) -> list[Chat]:
        """Return the chats that the provider knows by these ids (tenant, channel, id)."""

    async def is_closed(self, tenant_id: str, project_id: str, chat_id: str) -> bool:
        """Tell whether there is such a chat, and it is closed."""

    async def begin(self, chats: Sequence[Chat]) -> None:
        """Store new chats, with all that their first messages changed in them."""

    async def keep(self, chats: Collection[Chat]) -> None:
        """Store what messages changed in chats; an archived one comes back."""

    async def count(self, chats: Collection[Chat]) -> None:
        """Store only how many messages chats have: those that were refused change nothing else."""

    async def introduce(self, chats: Sequence[Chat]) -> None:
        """Store whose chats these are, which were begun by an address."""

    async def learn_addresses(self, outcomes: Sequence[Outcome]) -> None:
        """Note the provider's ids of chats that had none, where no other chat has them."""

    async def mark_read(self, messages: Sequence[Tracked]) -> None:
        """Move the read marks of chats to these messages, only forward, and count what is unread behind them."""


class Messages(Protocol):
    """Where arriving messages and their receipts are kept."""

    async def hold_receipts_back(self, channels: Collection[Key]) -> None:
        """Until the transaction ends, no receipt of these channels is put aside for an unknown message."""

    async def hold_arrivals_back(self, channels: Collection[Key]) -> None:
        """Until the transaction ends, no message is stored in these channels."""

    async def known(self, arrivals: Sequence[Arrival]) -> set[MessageKey]:
        """Return which of the arrivals are stored already."""

    async def add(self, messages: Sequence[Message]) -> list[Stored]:
        """Store messages, resolving quotes in both directions; what was stored already is dropped and not returned."""

    async def add_media(self, messages: Sequence[Message]) -> None:
        """Record the files of messages as pending."""

    async def put_aside(self, acks: Sequence[Ack]) -> None:
        """Keep receipts of messages that nobody has seen yet; forget those that waited for too long."""


class Sendings(Protocol):
    """Where messages of ours are kept, and how far they have come."""

    async def known(self, ids: Collection[MessageId]) -> set[MessageId]:
        """Return which messages exist already."""

    async def add(self, messages: Sequence[Outgoing]) -> set[MessageId]:
        """Store messages with their first step; return which were new."""

    async def quoted(self, ids: Collection[MessageId]) -> dict[MessageId, Quoted]:
        """Return the messages that new ones answer."""

    async def by_id(self, ids: Collection[MessageId]) -> list[Tracked]:
        """Return messages, locked until the transaction ends."""

    async def by_provider_id(self, keys: Collection[MessageKey]) -> list[Tracked]:
        """Return the messages that the provider calls so, locked likewise."""

    async def take_early(self, messages: Sequence[Tracked]) -> list[tuple[MessageId, Early]]:
        """Take out the receipts that came before these messages had a name, and return them with their message.

        Answers that quote these messages find them now.
        """

    async def merge(self, twins: Sequence[Twin]) -> None:
        """Remove messages that turned out to be others of ours; whatever pointed at them points at those."""

    async def rise(self, messages: Collection[Tracked], steps: Sequence[Step]) -> None:
        """Store statuses, never backwards, names, and receipts that came too late, with the steps that led there."""

    async def note(self, steps: Sequence[Step]) -> None:
        """Store steps that change no status."""

    async def ask_to_cancel(self, message: Tracked) -> bool:
        """Note that somebody wants a message cancelled; tell whether they are the first."""


class Channels(Protocol):
    """What is known of channels."""

    async def follow(self, news: Sequence[ChannelNews]) -> None:
        """Take in what channels are like; older news change nothing."""

    async def follow_statuses(self, news: Sequence[ChannelStatus]) -> None:
        """Take in whether channels work; older news change nothing."""

    async def remove(self, ends: Sequence[ChannelEnd]) -> None:
        """Take in that channels were deleted."""

    async def keep_resting(self, projects: Sequence[Resting]) -> None:
        """Take in which projects rest; older news change nothing."""

    async def known(self, ids: Collection[Key]) -> dict[Key, SendingChannel]:
        """Return channels, deleted ones too."""

    async def of_projects(self, projects: Collection[Key]) -> dict[Key, list[SendingChannel]]:
        """Return the channels of projects that are not deleted."""

    async def last_of_contacts(self, contacts: Collection[ProjectContact]) -> dict[ProjectContact, str]:
        """Return the channels on which contacts were last spoken with, else last seen, unless those were deleted."""


class People(Protocol):
    """What is known of contacts."""

    async def follow(self, news: Sequence[ContactNews]) -> None:
        """Take in what contacts are like; older news change nothing."""

    async def follow_lives(self, news: Sequence[ContactLife]) -> None:
        """Take in whether contacts are deleted; older news change nothing."""

    async def link(self, handles: Sequence[LinkedHandle]) -> None:
        """Take in where contacts are known."""

    async def known(self, ids: Collection[Key]) -> dict[Key, Person]:
        """Return contacts, deleted ones too."""

    async def behind(self, addresses: Collection[MessageKey]) -> dict[MessageKey, str]:
        """Return the contacts that are known by ids of the provider (tenant, channel, id)."""


class OpenSessions(Protocol):
    """Which sessions are open."""

    async def open(self, sessions: Sequence[SessionNews]) -> None:
        """Take in that sessions began, unless their end was heard of before."""

    async def end(self, sessions: Sequence[SessionNews]) -> None:
        """Take in that sessions ended."""

    async def of_chats(self, keys: Collection[Key]) -> dict[Key, str]:
        """Return the open sessions of chats, by chat key."""


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    chats: Chats
    messages: Messages
    sendings: Sendings
    channels: Channels
    people: People
    open_sessions: OpenSessions
    announcements: Announcements
    new_id: Callable[[], str]
    now: datetime


Row = Mapping[str, Any]
