"""custom_field.deleted.v1: a custom field is no longer offered."""

from typing import ClassVar

from contracts.fields import Wire


class CustomFieldDeletedV1(Wire, kw_only=True):
    """Values are kept for a while."""

    TYPE: ClassVar[str] = "custom_field.deleted.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    custom_field_id: str
    key: str
    version: int
