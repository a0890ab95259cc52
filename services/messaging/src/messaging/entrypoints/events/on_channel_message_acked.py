"""A receipt says how far a message has come."""

from collections.abc import Sequence

from contracts.channel.message_acked_v1 import ChannelMessageAckedV1
from contracts.envelope import Event

from messaging.application.apply_acknowledgements import apply_acknowledgements
from messaging.application.work import Work
from messaging.domain.acknowledgement import Ack

HEARS = ChannelMessageAckedV1


async def on_channel_message_acked(events: Sequence[Event[ChannelMessageAckedV1]], work: Work) -> None:
    """Apply a batch of receipts."""
    await apply_acknowledgements([ack_of(event) for event in events], work)


def ack_of(event: Event[ChannelMessageAckedV1]) -> Ack:
    """Return the receipt in messaging's own words."""
    heard = event.data
    assert event.projectid is not None, "every channel belongs to a project"
    return Ack(
        event.tenantid,
        event.projectid,
        heard.channel_id,
        heard.provider_message_id,
        heard.from_me,
        heard.level,
        heard.acked_at,
        event,
    )
