"""custom_field.updated.v1: a custom field was redefined; key and type never change."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import Wire, open_enum


class CustomFieldUpdatedV1(Wire, kw_only=True):
    """The definition after the change, and which parts changed."""

    TYPE: ClassVar[str] = "custom_field.updated.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    custom_field_id: str
    key: str
    label: str
    type: Annotated[
        str,
        Meta(
            extra_json_schema=open_enum(
                "text",
                "number",
                "boolean",
                "date",
                "json",
                "url",
                "email",
                "phone",
                "select",
                "multi_select",
                "label",
            )
        ),
    ]
    version: int
    required: bool = False
    options: tuple[str, ...] = ()
    description: str | None = None
    changed: tuple[str, ...] = ()
