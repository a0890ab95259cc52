"""A deleted contact is back."""

from collections.abc import Sequence

from contracts.contact.restored_v1 import ContactRestoredV1
from contracts.envelope import Event

from messaging.application.follow_contacts import follow_contacts
from messaging.application.work import Work
from messaging.entrypoints.events.followed import contact_life

HEARS = ContactRestoredV1


async def on_contact_restored(events: Sequence[Event[ContactRestoredV1]], work: Work) -> None:
    """Take in that contacts are back."""
    await follow_contacts(work, lives=[contact_life(event, deleted=False) for event in events])
