"""The settings of a channel changed."""

from collections.abc import Sequence

from contracts.channel.updated_v1 import ChannelUpdatedV1
from contracts.envelope import Event

from messaging.application.follow_channels import follow_channels
from messaging.application.work import Work
from messaging.entrypoints.events.followed import channel_news, channel_status

HEARS = ChannelUpdatedV1


async def on_channel_updated(events: Sequence[Event[ChannelUpdatedV1]], work: Work) -> None:
    """Take in what channels are like, and whether they work."""
    await follow_channels(
        work,
        news=[channel_news(event) for event in events],
        statuses=[channel_status(event, event.data.status) for event in events],
    )
