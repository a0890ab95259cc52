"""A channel works: what waits for it can leave."""

from collections.abc import Sequence

from contracts.channel.activated_v1 import ChannelActivatedV1
from contracts.envelope import Event

from messaging.application.follow_channels import follow_channels
from messaging.application.work import Work
from messaging.domain.sending_channel import WORKING
from messaging.entrypoints.events.followed import channel_status

HEARS = ChannelActivatedV1


async def on_channel_activated(events: Sequence[Event[ChannelActivatedV1]], work: Work) -> None:
    """Take in that channels work."""
    await follow_channels(work, statuses=[channel_status(event, WORKING) for event in events])
