"""Somebody else wants a tag on contacts."""

from collections.abc import Sequence

from contracts.contact.tag_add_requested_v1 import ContactTagAddRequestedV1
from contracts.envelope import Event

from contact.application.obey_tag_wishes import add_tags
from contact.application.work import Work
from contact.entrypoints.events.tag_wish import wish_of

HEARS = ContactTagAddRequestedV1


async def on_contact_tag_add_requested(events: Sequence[Event[ContactTagAddRequestedV1]], work: Work) -> None:
    """Add the tags."""
    await add_tags([wish_of(event) for event in events], work)
