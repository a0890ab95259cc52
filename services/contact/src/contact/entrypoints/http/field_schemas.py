"""What custom fields look like over HTTP."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field
from web.bodies import Answer, Body, Id, Time

FieldType = Literal[
    "text", "number", "boolean", "date", "json", "url", "email", "phone", "select", "multi_select", "label"
]
Label = Annotated[str, Field(min_length=1, max_length=100)]
Options = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=200)]
Description = Annotated[str, Field(max_length=1000)]


class NewField(Body):
    """A custom field to be defined."""

    key: Annotated[str, Field(min_length=1, max_length=63)]
    type: FieldType
    label: Label | None = None
    required: bool | None = None
    options: Options | None = None
    default_value: Any = None
    description: Description | None = None


class FieldChange(Body):
    """A partial change: absent means unchanged, null clears."""

    label: Label | None = None
    required: bool | None = None
    options: Options | None = None
    default_value: Any = None
    description: Description | None = None


class FieldValue(Body):
    """A value of a custom field, of the shape that its type asks for."""

    value: Any


class FieldAnswer(Answer):
    """A custom field."""

    audited = ("key", "label", "type", "required", "options", "default_value", "description")

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    deleted_at: Time | None
    key: str
    label: str
    type: str
    required: bool
    options: list[str]
    default_value: Any
    description: str | None
    system: bool


def field_answer(row: Any) -> FieldAnswer:
    """Return the answer for a definition's row."""
    default = row["default_value"]
    return FieldAnswer.of(row, default_value=None if default is None else json.loads(default))
