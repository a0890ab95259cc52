"""A deleted contact is back, with all its placements; if it never had a place, it gets its first one now."""

from collections.abc import Sequence

from contracts.contact.restored_v1 import ContactRestoredV1
from contracts.envelope import Event

from pipeline_automation.application.restore_contacts import restore_contacts
from pipeline_automation.application.work import Work
from pipeline_automation.domain.known_contact import LifeChange
from pipeline_automation.entrypoints.events.whose import by_project, key_of

HEARS = ContactRestoredV1


async def on_contact_restored(events: Sequence[Event[ContactRestoredV1]], work: Work) -> None:
    """Note who is back."""
    changes = [
        (key_of(event, event.data.contact_id), LifeChange(event.data.version, deleted=False)) for event in events
    ]
    await restore_contacts(changes, by_project(events), work)
