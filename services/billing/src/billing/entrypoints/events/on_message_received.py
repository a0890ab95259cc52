"""What customers write is usage."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.message.received_v1 import MessageReceivedV1

from billing.application.meter_messages import meter_messages
from billing.application.work import Work
from billing.domain.metering import Message

HEARS = MessageReceivedV1


async def on_message_received(events: Sequence[Event[MessageReceivedV1]], work: Work) -> None:
    """Count messages that came in."""
    await meter_messages([message_of(event) for event in events], work)


def message_of(event: Event[MessageReceivedV1]) -> Message:
    """Return what the meters need of a message that came in."""
    assert event.projectid is not None, "every chat belongs to a project"
    return Message(
        tenant_id=event.tenantid,
        project_id=event.projectid,
        occurred_at=event.data.occurred_at,
        origin=event.data.origin,
        source=None,
        contact_id=event.data.contact_id,
    )
