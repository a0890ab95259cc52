"""The feed of a tenant's public events: places, and the cursors that name them.

A place is when an entry was taken in: milliseconds since 1970, shifted by 20 bits, and a number within that millisecond. Places rise in the
order in which entries become visible, so whoever goes on from one misses nothing. A cursor is a place as text, the same for everybody.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from kernel.errors import DomainError
from kernel.ids import milliseconds_of

KEPT = timedelta(days=30)
SETTLED = timedelta(hours=1)
"""What was taken in longer ago is visible, or never will be: no transaction lasts that long by far, and no two clocks differ so."""
AHEAD = timedelta(days=1)
"""No place lies further in the future."""
PAID = "billing."
"""Types of which only those hear who may see bills."""

_SHIFT = 20
_BYTES = 8


class Entry(NamedTuple):
    """One event on its way into the feed. `data` is JSON as its speaker wrote it; times and ids as the envelope has them."""

    tenant_id: str
    event_id: str
    project_id: str | None
    correlation_id: str
    causation_id: str | None
    contact_id: str | None
    session_id: str | None
    chat_id: str | None
    channel_id: str | None
    occurred_at: datetime
    type: str
    subject: str
    actor: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody asks of the feed of a tenant: entries after a place, the oldest first. None: no matter.

    `types` are whole, with their version; `bills`: billing's events, too; `since` and `until` (exclusive) are the events' own times.
    """

    tenant_id: str
    after: int
    limit: int
    bills: bool
    types: Sequence[str] | None = None
    project_id: str | None = None
    subject: str | None = None
    contact_id: str | None = None
    session_id: str | None = None
    chat_id: str | None = None
    channel_id: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def picks(self) -> bool:
        """Tell whether it leaves out anything that whoever asks may see."""
        of = (self.contact_id, self.session_id, self.chat_id, self.channel_id, self.project_id, self.subject)
        return any(each is not None for each in (*of, self.types, self.correlation_id, self.since, self.until))

    def going_on(self, after: int) -> "Question":
        """Return the same question from another place on."""
        return replace(self, after=after)


def place_at(moment: datetime) -> int:
    """Return the first place of a moment."""
    return int(moment.timestamp() * 1000) << _SHIFT


def place_before_oldest(now: datetime) -> int:
    """Return the place after which the feed begins: days are dropped whole, so at midnight UTC."""
    return place_at((now - KEPT).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)) - 1


def cursor_of(place: int) -> str:
    """Return a place as text."""
    return base64.urlsafe_b64encode(place.to_bytes(_BYTES, "big")).decode().rstrip("=")


def place_of(cursor: str, now: datetime) -> int:
    """Return the place that a cursor names. Raises invalid_cursor for what is none, cursor_expired with the oldest that can be used."""
    try:
        raw = base64.b64decode(cursor + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    place = int.from_bytes(raw, "big")
    if len(raw) != _BYTES or place >= place_at(now + AHEAD) or cursor_of(place) != cursor:
        raise DomainError("invalid_cursor", "the cursor is damaged or belongs to another list")
    if place < place_before_oldest(now):
        raise _expired(now)
    return place


def refuse_expired(event_id: str, now: datetime) -> None:
    """Raise cursor_expired for an event that was said before the feed begins."""
    if UUID(event_id).version == 7 and milliseconds_of(event_id) << _SHIFT <= place_before_oldest(now):
        raise _expired(now)


def _expired(now: datetime) -> DomainError:
    oldest = cursor_of(place_before_oldest(now))
    return DomainError("cursor_expired", "the feed is kept for 30 days", oldest_cursor=oldest)


def start_of(since: datetime | None, now: datetime) -> int:
    """Return the place from which on to look for events of `since` and later: none of them was taken in long before it happened."""
    oldest = place_before_oldest(now)
    return oldest if since is None else max(oldest, place_at(min(since, now) - SETTLED))
