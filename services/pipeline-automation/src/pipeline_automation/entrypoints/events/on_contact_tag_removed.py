"""A contact carries one tag less."""

from collections.abc import Sequence

from contracts.contact.tag_removed_v1 import ContactTagRemovedV1
from contracts.envelope import Event

from pipeline_automation.application.project_contacts import project_contacts
from pipeline_automation.application.work import Work
from pipeline_automation.domain.known_contact import TagChange
from pipeline_automation.entrypoints.events.whose import key_of

HEARS = ContactTagRemovedV1


async def on_contact_tag_removed(events: Sequence[Event[ContactTagRemovedV1]], work: Work) -> None:
    """Forget the tags."""
    changes = [TagChange(event.data.version, event.data.tag, present=False) for event in events]
    await project_contacts(
        [(key_of(event, event.data.contact_id), change) for event, change in zip(events, changes, strict=True)], work
    )
