"""Somebody else wants a tag off contacts."""

from collections.abc import Sequence

from contracts.contact.tag_remove_requested_v1 import ContactTagRemoveRequestedV1
from contracts.envelope import Event

from contact.application.obey_tag_wishes import remove_tags
from contact.application.work import Work
from contact.entrypoints.events.tag_wish import wish_of

HEARS = ContactTagRemoveRequestedV1


async def on_contact_tag_remove_requested(events: Sequence[Event[ContactTagRemoveRequestedV1]], work: Work) -> None:
    """Take the tags off."""
    await remove_tags([wish_of(event) for event in events], work)
