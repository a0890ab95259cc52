"""Somebody was met, or entered by hand: they can be written to where they are known."""

from collections.abc import Sequence

from contracts.contact.created_v1 import ContactCreatedV1
from contracts.envelope import Event

from messaging.application.follow_contacts import follow_contacts
from messaging.application.work import Work
from messaging.entrypoints.events.followed import contact_news, handles_of

HEARS = ContactCreatedV1


async def on_contact_created(events: Sequence[Event[ContactCreatedV1]], work: Work) -> None:
    """Take in what contacts are like, and where they are known."""
    await follow_contacts(
        work,
        news=[contact_news(event) for event in events],
        handles=[handle for event in events for handle in handles_of(event)],
    )
