"""A contact was deleted: nobody writes to them any more."""

from collections.abc import Sequence

from contracts.contact.deleted_v1 import ContactDeletedV1
from contracts.envelope import Event

from messaging.application.follow_contacts import follow_contacts
from messaging.application.work import Work
from messaging.entrypoints.events.followed import contact_life

HEARS = ContactDeletedV1


async def on_contact_deleted(events: Sequence[Event[ContactDeletedV1]], work: Work) -> None:
    """Take in that contacts were deleted."""
    await follow_contacts(work, lives=[contact_life(event, deleted=True) for event in events])
