"""A channel was removed; its pipeline is free of it."""

from collections.abc import Sequence

from contracts.channel.deleted_v1 import ChannelDeletedV1
from contracts.envelope import Event

from pipeline_automation.application.keep_channels import drop_channels
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.whose import by_project, key_of

HEARS = ChannelDeletedV1


async def on_channel_deleted(events: Sequence[Event[ChannelDeletedV1]], work: Work) -> None:
    """Note which channels are gone."""
    await drop_channels([key_of(event, event.data.channel_id) for event in events], by_project(events), work)
