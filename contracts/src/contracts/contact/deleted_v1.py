"""contact.deleted.v1: a contact was deleted by a person; it can come back."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class ContactDeletedV1(Wire, kw_only=True):
    """The contact keeps its id and its history."""

    TYPE: ClassVar[str] = "contact.deleted.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    at: Moment
    version: int
