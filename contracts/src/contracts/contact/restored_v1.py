"""contact.restored.v1: a deleted contact wrote again, or was brought back."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class ContactRestoredV1(Wire, kw_only=True):
    """The contact keeps its id and its history."""

    TYPE: ClassVar[str] = "contact.restored.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    at: Moment
    version: int
