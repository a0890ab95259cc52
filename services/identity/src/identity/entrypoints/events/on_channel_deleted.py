"""A channel is gone, and works in no project any more."""

from collections.abc import Sequence

from contracts.channel.deleted_v1 import ChannelDeletedV1
from contracts.envelope import Event

from identity.application.work import Work
from identity.domain.project import KnownChannel

HEARS = ChannelDeletedV1


async def on_channel_deleted(events: Sequence[Event[ChannelDeletedV1]], work: Work) -> None:
    """Take in that channels are gone."""
    await work.projects.drop_channels(
        [
            KnownChannel(each.tenantid, each.data.channel_id, each.projectid)
            for each in events
            if each.projectid is not None
        ]
    )
