"""What we sent is out: it counts in the session of its chat, and answers whoever waits there."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.message.sent_v1 import MessageSentV1

from session.application.count_sent_messages import count_sent_messages
from session.application.work import Work
from session.domain.attendance import Message

HEARS = MessageSentV1

PHONE = "phone"


async def on_message_sent(events: Sequence[Event[MessageSentV1]], work: Work) -> None:
    """Count a batch; what the phone's owner typed was counted on the line already."""
    await count_sent_messages([message_of(event) for event in events if event.data.source != PHONE], work)


def message_of(event: Event[MessageSentV1]) -> Message:
    """Return the message as far as sessions care. Only chats of one person name a contact, and only those have sessions."""
    sent = event.data
    assert event.projectid is not None, "every channel belongs to a project"
    return Message(
        tenant_id=event.tenantid,
        project_id=event.projectid,
        chat_key=sent.chat_key,
        chat_type="individual",
        channel_id=sent.channel_id,
        channel_type="",
        contact_id=sent.contact_id,
        pipeline_id=None,
        channel_minutes=None,
        inbound=False,
        source=sent.source,
        origin=sent.origin,
        occurred_at=sent.sent_at,
        received_at=event.time,
        heard=event,
        sent_in=sent.session_id or "",
    )
