"""A channel exists: it can be sent through."""

from collections.abc import Sequence

from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.envelope import Event

from messaging.application.follow_channels import follow_channels
from messaging.application.work import Work
from messaging.entrypoints.events.followed import channel_news, channel_status

HEARS = ChannelCreatedV1


async def on_channel_created(events: Sequence[Event[ChannelCreatedV1]], work: Work) -> None:
    """Take in what channels are like, and whether they work."""
    await follow_channels(
        work,
        news=[channel_news(event) for event in events],
        statuses=[channel_status(event, event.data.status) for event in events],
    )
