"""contact.tag_removed.v1: a contact lost a tag."""

from typing import ClassVar

from contracts.fields import Wire


class ContactTagRemovedV1(Wire, kw_only=True):
    """`version` is the contact's after the change."""

    TYPE: ClassVar[str] = "contact.tag_removed.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    tag: str
    version: int
