"""Who waits for whom in a session.

A contact's message waits for our next answer; the session's wait is the sum of what passed between the first message that waited
and the answer. That follows from the times of the messages alone, but they do not arrive in the order of their times: what people
write comes over the line, what we send is heard of after it was sent. So the latest are remembered one by one, and whatever arrives
among them comes out the same in any order.
"""

from bisect import insort
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

REMEMBERED = 64
"""How many later messages may overtake one that still counts exactly. What is older is settled for good."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
NOBODY = -1


class Wait(NamedTuple):
    """Where a talk stands: how long people have waited in all, since when somebody waits now, and for how many messages."""

    waited_ms: int = 0
    since_ms: int = NOBODY
    unread: int = 0

    def after(self, moments: Iterable[int]) -> "Wait":
        """Return where it stands after these moments, in their order."""
        waited, since, unread = self.waited_ms, self.since_ms, self.unread
        for moment in moments:
            at = moment >> 1
            if not moment & 1:
                unread += 1
                since = at if since == NOBODY else since
            else:
                unread = 0
                if since != NOBODY:
                    waited += max(0, at - since)
                    since = NOBODY
        return Wait(waited, since, unread)


class Talk:
    """The messages of a session as far as they wait or answer. A moment is twice its milliseconds, plus one for an answer:
    so they sort by time, and of two at the same time the answer comes after what it answers.
    """

    __slots__ = ("_moments", "_now", "_settled")

    def __init__(self, kept: list[int] | None = None) -> None:
        """`kept` is what `keep` returned."""
        kept = kept or [0, NOBODY, 0]
        self._settled = Wait(*kept[:3])
        self._moments = kept[3:]
        self._now: Wait | None = None

    def keep(self) -> list[int]:
        """Return all that must be remembered: what is settled (waited, since, unread), then the moments."""
        return [self._settled.waited_ms, self._settled.since_ms, self._settled.unread, *self._moments]

    def take(self, at: datetime, *, answers: bool) -> None:
        """Take in a message."""
        insort(self._moments, ((at - EPOCH) // MILLISECOND) * 2 + answers)
        excess = len(self._moments) - REMEMBERED
        if excess > 0:
            self._settled = self._settled.after(self._moments[:excess])
            del self._moments[:excess]
        self._now = None

    @property
    def _stands(self) -> Wait:
        if self._now is None:
            self._now = self._settled.after(self._moments)
        return self._now

    @property
    def waited_ms(self) -> int:
        """Return how long people waited for their answers, in milliseconds."""
        return self._stands.waited_ms

    @property
    def unread(self) -> int:
        """Return how many messages came after our last answer."""
        return self._stands.unread

    @property
    def waiting_since(self) -> datetime | None:
        """Return since when somebody waits, None when nobody does."""
        since = self._stands.since_ms
        return None if since == NOBODY else EPOCH + since * MILLISECOND
