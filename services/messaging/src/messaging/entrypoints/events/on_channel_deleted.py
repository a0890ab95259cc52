"""A channel is gone: nothing is sent through it any more."""

from collections.abc import Sequence

from contracts.channel.deleted_v1 import ChannelDeletedV1
from contracts.envelope import Event

from messaging.application.follow_channels import follow_channels
from messaging.application.work import Work
from messaging.domain.projected import ChannelEnd
from messaging.entrypoints.events.followed import project_of

HEARS = ChannelDeletedV1


async def on_channel_deleted(events: Sequence[Event[ChannelDeletedV1]], work: Work) -> None:
    """Take in that channels were deleted."""
    ends = [ChannelEnd(event.tenantid, event.data.channel_id, project_of(event), event.data.at) for event in events]
    await follow_channels(work, ends=ends)
