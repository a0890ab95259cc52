"""Keep what we need to know of channels: through which pipeline the people whom they bring begin."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_automation.application.place_new_contacts import place_waiting_contacts
from pipeline_automation.application.work import Contact, Project, Work
from pipeline_automation.domain.surroundings import KnownChannel


async def keep_channels(channels: Sequence[KnownChannel], because: Mapping[Project, Any], work: Work) -> None:
    """Store channels, and place those who waited to hear of them; `because` is an event of each project."""
    await work.surroundings.keep_channels(channels)
    await place_waiting_contacts(because, work)


async def drop_channels(channels: Sequence[Contact], because: Mapping[Project, Any], work: Work) -> None:
    """Note that channels were deleted; who waited to hear of them begins in the default pipeline."""
    await work.surroundings.drop_channels(channels)
    await place_waiting_contacts(because, work)
