"""An address turned out to be a contact's: they can be reached there, too."""

from collections.abc import Sequence

from contracts.contact.identity_linked_v1 import ContactIdentityLinkedV1
from contracts.envelope import Event

from messaging.application.follow_contacts import follow_contacts
from messaging.application.work import Work
from messaging.domain.projected import LinkedHandle

HEARS = ContactIdentityLinkedV1


async def on_contact_identity_linked(events: Sequence[Event[ContactIdentityLinkedV1]], work: Work) -> None:
    """Take in where contacts are known."""
    await follow_contacts(work, handles=[_handle_of(event) for event in events])


def _handle_of(event: Event[ContactIdentityLinkedV1]) -> LinkedHandle:
    heard = event.data
    return LinkedHandle(event.tenantid, heard.contact_id, heard.channel_id, heard.kind, heard.value, event.time)
