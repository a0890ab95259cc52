"""A contact was deleted; boards do not show it."""

from collections.abc import Sequence

from contracts.contact.deleted_v1 import ContactDeletedV1
from contracts.envelope import Event

from pipeline_automation.application.project_contacts import project_contacts
from pipeline_automation.application.work import Work
from pipeline_automation.domain.known_contact import LifeChange
from pipeline_automation.entrypoints.events.whose import key_of

HEARS = ContactDeletedV1


async def on_contact_deleted(events: Sequence[Event[ContactDeletedV1]], work: Work) -> None:
    """Note who was deleted."""
    changes = [LifeChange(event.data.version, deleted=True) for event in events]
    await project_contacts(
        [(key_of(event, event.data.contact_id), change) for event, change in zip(events, changes, strict=True)], work
    )
