"""A channel came or went: a project in which one works is not deleted."""

from collections.abc import Sequence

from contracts.channel.status_changed_v1 import ChannelStatusChangedV1
from contracts.envelope import Event

from identity.application.work import Work
from identity.domain.project import KnownChannel

HEARS = ChannelStatusChangedV1
WORKING = "active"


async def on_channel_status_changed(events: Sequence[Event[ChannelStatusChangedV1]], work: Work) -> None:
    """Take in whether channels work."""
    await work.projects.keep_channels(
        [
            KnownChannel(
                each.tenantid, each.data.channel_id, each.projectid, each.data.version, each.data.new == WORKING
            )
            for each in events
            if each.projectid is not None
        ]
    )
