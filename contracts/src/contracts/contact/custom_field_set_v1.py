"""contact.custom_field_set.v1: a custom field of a contact has a new value."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from contracts.fields import Wire


class ContactCustomFieldSetV1(Wire, kw_only=True):
    """`value` has the shape of the field's `type`."""

    TYPE: ClassVar[str] = "contact.custom_field_set.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    key: str
    type: str
    version: int
    value: Annotated[Any, Meta(extra_json_schema={"x-personal": "direct"})] = None
    old_value: Annotated[Any, Meta(extra_json_schema={"x-personal": "direct"})] = None
