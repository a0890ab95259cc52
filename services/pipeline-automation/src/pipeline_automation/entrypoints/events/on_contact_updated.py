"""An attribute of a contact changed."""

from collections.abc import Sequence

from contracts.contact.updated_v1 import ContactUpdatedV1
from contracts.envelope import Event

from pipeline_automation.application.project_contacts import project_contacts
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.known import snapshot_in
from pipeline_automation.entrypoints.events.whose import key_of

HEARS = ContactUpdatedV1


async def on_contact_updated(events: Sequence[Event[ContactUpdatedV1]], work: Work) -> None:
    """Remember the contacts as they are now."""
    await project_contacts([(key_of(event, event.data.contact_id), snapshot_in(event)) for event in events], work)
