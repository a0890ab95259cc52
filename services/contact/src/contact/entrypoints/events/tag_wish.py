"""What a wish for a tag says, whichever way."""

from contracts.contact.tag_add_requested_v1 import ContactTagAddRequestedV1
from contracts.contact.tag_remove_requested_v1 import ContactTagRemoveRequestedV1
from contracts.envelope import Event

from contact.application.obey_tag_wishes import TagWish


def wish_of(event: Event[ContactTagAddRequestedV1] | Event[ContactTagRemoveRequestedV1]) -> TagWish:
    """Return the wish."""
    assert event.projectid is not None, "contacts belong to projects"
    return TagWish(
        tenant_id=event.tenantid,
        project_id=event.projectid,
        contact_ids=event.data.contact_ids,
        tag=event.data.tag,
        heard=event,
    )
