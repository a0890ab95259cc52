"""A custom field of a contact has a new value."""

from collections.abc import Sequence

from contracts.contact.custom_field_set_v1 import ContactCustomFieldSetV1
from contracts.envelope import Event

from pipeline_automation.application.project_contacts import project_contacts
from pipeline_automation.application.work import Work
from pipeline_automation.domain.known_contact import FieldChange
from pipeline_automation.entrypoints.events.whose import key_of

HEARS = ContactCustomFieldSetV1


async def on_contact_custom_field_set(events: Sequence[Event[ContactCustomFieldSetV1]], work: Work) -> None:
    """Remember the values."""
    changes = [FieldChange(event.data.version, event.data.key, event.data.value) for event in events]
    await project_contacts(
        [(key_of(event, event.data.contact_id), change) for event, change in zip(events, changes, strict=True)], work
    )
