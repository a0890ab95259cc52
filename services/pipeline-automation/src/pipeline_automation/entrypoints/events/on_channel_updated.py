"""The settings of a channel changed."""

from collections.abc import Sequence

from contracts.channel.updated_v1 import ChannelUpdatedV1
from contracts.envelope import Event

from pipeline_automation.application.keep_channels import keep_channels
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.known import channel_in
from pipeline_automation.entrypoints.events.whose import by_project

HEARS = ChannelUpdatedV1


async def on_channel_updated(events: Sequence[Event[ChannelUpdatedV1]], work: Work) -> None:
    """Keep the channels as they are now."""
    await keep_channels([channel_in(event) for event in events], by_project(events), work)
