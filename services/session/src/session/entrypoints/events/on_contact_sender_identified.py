"""Now that we know who wrote, find the attendance that the message belongs to."""

from collections.abc import Sequence

from contracts.contact.sender_identified_v1 import ContactSenderIdentifiedV1
from contracts.envelope import Event

from session.application.resume_or_open_sessions import resume_or_open_sessions
from session.application.work import Work
from session.domain.attendance import Message

HEARS = ContactSenderIdentifiedV1


async def on_contact_sender_identified(events: Sequence[Event[ContactSenderIdentifiedV1]], work: Work) -> None:
    """Place a batch of messages in their sessions."""
    await resume_or_open_sessions([message_of(event) for event in events], work)


def message_of(event: Event[ContactSenderIdentifiedV1]) -> Message:
    """Return the message as far as sessions care."""
    heard = event.data
    assert event.projectid is not None, "every channel belongs to a project"
    return Message(
        event.tenantid,
        event.projectid,
        heard.chat_key,
        heard.chat_type,
        heard.channel_id,
        heard.channel_type,
        heard.contact_id,
        heard.channel_settings.pipeline_id,
        heard.channel_settings.default_session_timeout_minutes,
        heard.direction == "inbound",
        heard.source,
        heard.origin,
        heard.occurred_at,
        heard.received_at,
        event,
    )
