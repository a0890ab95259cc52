"""A person withdraws a message: it is not sent, unless that has begun."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.message.cancel_requested_v1 import MessageCancelRequestedV1

from channel_gateway.application.withdraw_sends import withdraw_sends
from channel_gateway.application.work import Work
from channel_gateway.domain.sending import Heard, Withdrawal

HEARS = MessageCancelRequestedV1


async def on_message_cancel_requested(events: Sequence[Event[MessageCancelRequestedV1]], work: Work) -> None:
    """Withdraw a batch of messages."""
    await withdraw_sends([withdrawal_of(event) for event in events], work)


def withdrawal_of(event: Event[MessageCancelRequestedV1]) -> Withdrawal:
    """Return the wish in our own words."""
    asked = event.data
    assert event.projectid is not None, "every message belongs to a project"
    return Withdrawal(
        tenant_id=event.tenantid,
        project_id=event.projectid,
        message_id=asked.message_id,
        channel_id=asked.channel_id,
        chat_key=asked.chat_key,
        heard=Heard(event.id, event.correlationid, event.actor, event.hop, event.traceparent),
    )
