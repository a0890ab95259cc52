"""Something was said that the world outside may hear of: the feed keeps it, envelope and data as they came.

All types share one subscription, unlike everything else that is heard (docs/decisions/0021): what a type's data means is nobody's business
here, so there is no event that an older release could not read. Heard last of all: who gives places lets others wait until the commit.
"""

from collections.abc import Sequence

import msgspec
from contracts.envelope import UnreadEvent
from contracts.public import EveryPublicEvent

from pipeline_automation.application.work import Work
from pipeline_automation.domain.feed import Entry

HEARS = EveryPublicEvent


class _Names(msgspec.Struct, gc=False):
    """What data tells of by which people look for events; whatever else is in it stays unread."""

    contact_id: str | None = None
    session_id: str | None = None
    chat_id: str | None = None
    channel_id: str | None = None


_names_in = msgspec.json.Decoder(_Names).decode


async def on_any_public_event(events: Sequence[UnreadEvent], work: Work) -> None:
    """Append them to the feed."""
    await work.feed.append([_entry(event) for event in events])


def _entry(event: UnreadEvent) -> Entry:
    names = _names_in(event.data)
    return Entry(
        event.tenantid,
        event.id,
        event.projectid,
        event.correlationid,
        event.causationid,
        names.contact_id,
        names.session_id,
        names.chat_id,
        names.channel_id,
        event.time,
        event.type,
        event.subject,
        event.actor,
        bytes(event.data).decode(),
    )
