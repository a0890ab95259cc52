"""Every message names somebody; make sure that we know who that is."""

from collections.abc import Sequence

from contracts.channel.message_received_v1 import ChannelMessageReceivedV1
from contracts.envelope import Event

from contact.application.identify_senders import identify_senders
from contact.application.work import Work
from contact.domain.address_book import Sender
from contact.domain.channel_identity import Identity

HEARS = ChannelMessageReceivedV1


async def on_channel_message_received(events: Sequence[Event[ChannelMessageReceivedV1]], work: Work) -> None:
    """Identify the senders of a batch of messages."""
    await identify_senders(events, [sender_of(event) for event in events], work)


def sender_of(event: Event[ChannelMessageReceivedV1]) -> Sender | None:
    """Return who the message concerns, or None for our own messages in groups."""
    message = event.data
    if not message.contact_identities:
        return None
    assert event.projectid is not None, "every channel belongs to a project"
    return Sender(
        tenant_id=event.tenantid,
        project_id=event.projectid,
        channel_id=message.channel_id,
        channel_type=message.channel_type,
        identities=tuple(Identity(each.kind, each.value) for each in message.contact_identities),
        push_name=None if message.from_me else message.push_name,
        occurred_at=message.occurred_at,
        evidence=event.id,
        heard=event,
    )
