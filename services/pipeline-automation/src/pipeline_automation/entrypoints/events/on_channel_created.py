"""A channel was connected."""

from collections.abc import Sequence

from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.envelope import Event

from pipeline_automation.application.keep_channels import keep_channels
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.known import channel_in
from pipeline_automation.entrypoints.events.whose import by_project

HEARS = ChannelCreatedV1


async def on_channel_created(events: Sequence[Event[ChannelCreatedV1]], work: Work) -> None:
    """Keep the channels as they are now."""
    await keep_channels([channel_in(event) for event in events], by_project(events), work)
