"""A contact changed: perhaps where they are known, or whether they want advertising."""

from collections.abc import Sequence

from contracts.contact.updated_v1 import ContactUpdatedV1
from contracts.envelope import Event

from messaging.application.follow_contacts import follow_contacts
from messaging.application.work import Work
from messaging.entrypoints.events.followed import contact_news, handles_of

HEARS = ContactUpdatedV1


async def on_contact_updated(events: Sequence[Event[ContactUpdatedV1]], work: Work) -> None:
    """Take in what contacts are like, and where they are known."""
    await follow_contacts(
        work,
        news=[contact_news(event) for event in events],
        handles=[handle for event in events for handle in handles_of(event)],
    )
