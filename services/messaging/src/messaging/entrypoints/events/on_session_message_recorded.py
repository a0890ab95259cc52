"""The message has its person and its session: store it in its chat."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.session.message_recorded_v1 import SessionMessageRecordedV1

from messaging.application.record_messages import record_messages
from messaging.application.work import Work
from messaging.domain.arrival import Arrival
from messaging.entrypoints.events.stored_content import content_of, json_of

HEARS = SessionMessageRecordedV1

NO_MENTIONS = "[]"


async def on_session_message_recorded(events: Sequence[Event[SessionMessageRecordedV1]], work: Work) -> None:
    """Store a batch of messages; raise where one of a known kind cannot be read, so that it is parked alone."""
    await record_messages([arrival_of(event) for event in events], work)


def arrival_of(event: Event[SessionMessageRecordedV1]) -> Arrival:
    """Return the message in messaging's own words."""
    heard = event.data
    assert event.projectid is not None, "every channel belongs to a project"
    return Arrival(
        event.tenantid,
        event.projectid,
        heard.chat_key,
        heard.chat_type,
        heard.chat_subject,
        heard.external_chat_id,
        heard.channel_id,
        heard.channel_type,
        heard.contact_id,
        heard.contact_name,
        heard.session_id,
        heard.direction == "inbound",
        heard.source or (None if heard.direction == "inbound" else "phone"),
        heard.origin,
        heard.occurred_at,
        heard.received_at,
        heard.provider_message_id,
        heard.provider_message_ref,
        heard.reply_to_provider_id,
        json_of(heard.mentions) if heard.mentions else NO_MENTIONS,
        heard.forwarded,
        content_of(heard.content),
        event,
    )
