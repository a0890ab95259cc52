"""What the provider accepted from us is usage."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.message.sent_v1 import MessageSentV1

from billing.application.meter_messages import meter_messages
from billing.application.work import Work
from billing.domain.metering import Message

HEARS = MessageSentV1


async def on_message_sent(events: Sequence[Event[MessageSentV1]], work: Work) -> None:
    """Count messages that went out."""
    await meter_messages([message_of(event) for event in events], work)


def message_of(event: Event[MessageSentV1]) -> Message:
    """Return what the meters need of a message that went out."""
    assert event.projectid is not None, "every chat belongs to a project"
    return Message(
        tenant_id=event.tenantid,
        project_id=event.projectid,
        occurred_at=event.data.occurred_at,
        origin=event.data.origin,
        source=event.data.source,
        contact_id=event.data.contact_id,
    )
