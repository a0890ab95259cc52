"""contact.custom_field_cleared.v1: a custom field of a contact has no value any more."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from contracts.fields import Wire


class ContactCustomFieldClearedV1(Wire, kw_only=True):
    """The definition stays."""

    TYPE: ClassVar[str] = "contact.custom_field_cleared.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    key: str
    type: str
    version: int
    old_value: Annotated[Any, Meta(extra_json_schema={"x-personal": "direct"})] = None
