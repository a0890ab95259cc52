"""Bring deleted contacts back."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_automation.application.place_new_contacts import place_waiting_contacts
from pipeline_automation.application.project_contacts import project_contacts
from pipeline_automation.application.work import Contact, Project, Work
from pipeline_automation.domain.known_contact import LifeChange


async def restore_contacts(
    back: Sequence[tuple[Contact, LifeChange]], because: Mapping[Project, Any], work: Work
) -> None:
    """Take in that contacts are back; who was deleted before getting a place gets it now."""
    await project_contacts(back, work)
    await place_waiting_contacts(because, work)
