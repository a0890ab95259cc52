"""A message as it arrives on the line, in messaging's own words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

PREVIEW_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Media:
    """A file that a message refers to; the file itself follows later."""

    id: str
    mime_type: str | None
    file_name: str | None
    size_bytes: int | None
    duration_seconds: int | None


class Content(NamedTuple):
    """What a message holds. `details` is the content as it came (JSON), where text and media do not say it all."""

    kind: str
    text: str | None = None
    media: Media | None = None
    details: str | None = None
    unsupported_kind: str | None = None


class Arrival(NamedTuple):
    """A message as it arrived, before it has a chat; a tuple, since a frozen dataclass of so many fields takes 3 µs to make.

    `heard` is what was heard, handed on untouched. `mentions` is a JSON list of addresses.
    """

    tenant_id: str
    project_id: str
    chat_key: str
    chat_type: str
    chat_subject: str | None
    external_chat_id: str
    channel_id: str
    channel_type: str
    contact_id: str | None
    contact_name: str | None
    session_id: str | None
    inbound: bool
    source: str | None
    origin: str
    occurred_at: datetime
    received_at: datetime
    provider_message_id: str
    provider_message_ref: str
    reply_to_provider_id: str | None
    mentions: str
    forwarded: bool
    content: Content
    heard: Any = None

    @property
    def message_key(self) -> tuple[str, str, str]:
        """Return what makes a message the same one when it comes again."""
        return (self.tenant_id, self.channel_id, self.provider_message_id)

    @property
    def is_announced(self) -> bool:
        """Tell whether others hear of it: imported history is announced in bulk by whoever imports it."""
        return self.origin != "history"


@dataclass(slots=True)
class Message:
    """A message about to be stored in its chat, or just stored."""

    id: str
    chat_id: str
    chat_key: str
    sequence: int
    status: str
    arrival: Arrival
    reply_to_message_id: str | None = None

    @property
    def place(self) -> tuple[datetime, int]:
        """Return where it stands in its chat."""
        return (self.arrival.occurred_at, self.sequence)


def status_on_arrival(arrival: Arrival) -> str:
    """Return the status that a message has when we hear of it: it reached us, or it left the owner's phone."""
    return "delivered" if arrival.inbound else "sent"


def each_once(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Return the arrivals without those whose message stands before them already."""
    first: dict[tuple[str, str, str], Arrival] = {}
    for arrival in arrivals:
        first.setdefault(arrival.message_key, arrival)
    return list(first.values())


def preview_of(text: str | None) -> str | None:
    """Return the beginning of a text, as lists of chats show it."""
    return None if text is None else text[:PREVIEW_CHARACTERS]
