"""contact.tag_added.v1: a contact carries a tag that it did not carry before."""

from typing import ClassVar

from contracts.fields import Wire


class ContactTagAddedV1(Wire, kw_only=True):
    """`version` is the contact's after the change."""

    TYPE: ClassVar[str] = "contact.tag_added.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    tag: str
    version: int
