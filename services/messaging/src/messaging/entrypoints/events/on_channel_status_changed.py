"""A channel came or went."""

from collections.abc import Sequence

from contracts.channel.status_changed_v1 import ChannelStatusChangedV1
from contracts.envelope import Event

from messaging.application.follow_channels import follow_channels
from messaging.application.work import Work
from messaging.entrypoints.events.followed import channel_status

HEARS = ChannelStatusChangedV1


async def on_channel_status_changed(events: Sequence[Event[ChannelStatusChangedV1]], work: Work) -> None:
    """Take in whether channels work."""
    await follow_channels(work, statuses=[channel_status(event, event.data.new) for event in events])
