"""What goes over the wire: strict bodies in, complete answers out, and the types of their fields."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from fastapi import Path
from kernel.ids import is_id
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")


def read_time(value: object) -> datetime:
    """Return an aware UTC time from RFC 3339 text with an offset, or from an aware datetime."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PydanticCustomError("bad_format", "a time with an offset expected")
        return value.astimezone(UTC)
    if not isinstance(value, str):
        raise PydanticCustomError("wrong_type", "a time as text expected")
    if not _RFC3339.fullmatch(value):
        raise PydanticCustomError("bad_format", "a time like 2026-03-04T05:06:07.089Z expected, with an offset")
    try:
        # Python reads six digits of the fraction at most.
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value.upper())).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("bad_format", "there is no such time") from None


def write_time(value: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds: `2026-03-04T05:06:07.089Z`."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_id(value: object) -> str:
    """Return a lower-case UUID as text."""
    if isinstance(value, UUID):
        return str(value)
    # asyncpg's own UUID is a subclass, so whatever comes here from elsewhere is text or wrong.
    if not isinstance(value, str):
        raise PydanticCustomError("wrong_type", "an id as text expected")
    if not is_id(value):
        raise PydanticCustomError("invalid_id", "a lower-case UUID expected")
    return value


Time = Annotated[
    datetime,
    BeforeValidator(read_time),
    PlainSerializer(write_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware UTC datetime in Python, RFC 3339 with milliseconds on the wire. Input must carry an offset, whichever."""

Id = Annotated[str, BeforeValidator(read_id), WithJsonSchema({"type": "string", "format": "uuid"})]
"""A UUID as lower-case text, in bodies, answers and query fields. Rows may hold it as UUID."""

PathId = Annotated[Id, Path()]
"""An id in the path; a malformed one is 400 invalid_id."""


class Body(BaseModel):
    """A body that somebody sends. Unknown fields are refused and nothing is converted: `"5"` is no number, `1` no text.

    Use `Time` and `Id` for times and ids, `Literal` for closed sets, `list` for arrays.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent: for PATCH, where absent means unchanged and null means cleared."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Answer(BaseModel):
    """A body that we send: always every field, null where there is nothing. One with `version` gets an ETag.

    `audited` is a closed list: of an object that routes write, the fields whose values the audit log may know. Never a secret, and never
    the text of a message.
    """

    audited: ClassVar[tuple[str, ...] | None] = None

    model_config = ConfigDict(allow_inf_nan=False, json_encoders={datetime: write_time})

    @classmethod
    def of(cls, row: Mapping[str, Any], **more: Any) -> Self:
        """Return the answer for a database row; `more` adds or replaces fields."""
        return cls.model_validate({**dict(row.items()), **more})
