"""The feed: what it is written by and read by. Reading waits outside of any transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pipeline_automation.domain.feed import SETTLED, Entry, Question, place_at

Row = Mapping[str, Any]


class Look(NamedTuple):
    """What one look found: entries, the place up to which it has seen all, and whether there may be more behind that."""

    rows: Sequence[Row]
    seen: int
    more: bool


class Feed(Protocol):
    """The feed, in one transaction."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Give entries their places, in this order. The last thing that a transaction does: others wait until it has ended."""

    async def look(self, question: Question) -> Look:
        """Return entries after a place, the oldest first; a look is bounded, so it may find none and yet not be at the end."""

    async def entry(self, tenant_id: str, event_id: str, bills: bool, after: int) -> Row | None:
        """Return the entry of an event behind a place, None where there is none."""


async def read_feed(
    question: Question,
    look: Callable[[Question], Awaitable[Look]],
    grown: Callable[[int], Awaitable[int | None]],
    now: Callable[[], datetime],
) -> Look:
    """Return what a question finds, waiting for it as long as `grown` waits for an entry after a place; it returns the newest, or None.

    `look` takes one look in a transaction of its own. What was seen is never long ago, however quiet a tenant is: a cursor that
    is used does not expire.
    """
    asked_at = now()
    found = await look(question)
    while not found.rows and not found.more and (newest := await grown(found.seen)) is not None:
        asked_at = now()
        found = await look(question.going_on(found.seen))
        if not found.more:  # what is hidden from the one who asks was seen, too
            found = found._replace(seen=max(found.seen, newest))
    if found.more:
        return found
    return found._replace(seen=max(found.seen, place_at(asked_at - SETTLED)))
