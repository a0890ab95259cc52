"""A custom field of a contact has no value any more."""

from collections.abc import Sequence

from contracts.contact.custom_field_cleared_v1 import ContactCustomFieldClearedV1
from contracts.envelope import Event

from pipeline_automation.application.project_contacts import project_contacts
from pipeline_automation.application.work import Work
from pipeline_automation.domain.known_contact import FieldChange
from pipeline_automation.entrypoints.events.whose import key_of

HEARS = ContactCustomFieldClearedV1


async def on_contact_custom_field_cleared(events: Sequence[Event[ContactCustomFieldClearedV1]], work: Work) -> None:
    """Forget the values."""
    changes = [FieldChange(event.data.version, event.data.key, None) for event in events]
    await project_contacts(
        [(key_of(event, event.data.contact_id), change) for event, change in zip(events, changes, strict=True)], work
    )
