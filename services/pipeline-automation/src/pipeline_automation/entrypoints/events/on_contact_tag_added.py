"""A contact carries one tag more."""

from collections.abc import Sequence

from contracts.contact.tag_added_v1 import ContactTagAddedV1
from contracts.envelope import Event

from pipeline_automation.application.project_contacts import project_contacts
from pipeline_automation.application.work import Work
from pipeline_automation.domain.known_contact import TagChange
from pipeline_automation.entrypoints.events.whose import key_of

HEARS = ContactTagAddedV1


async def on_contact_tag_added(events: Sequence[Event[ContactTagAddedV1]], work: Work) -> None:
    """Remember the tags."""
    changes = [TagChange(event.data.version, event.data.tag, present=True) for event in events]
    await project_contacts(
        [(key_of(event, event.data.contact_id), change) for event, change in zip(events, changes, strict=True)], work
    )
