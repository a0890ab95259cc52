"""Identifiers: UUIDv7 as lower-case text, minted by whoever creates the thing (RFC 9562, section 5.7)."""

import re
from collections.abc import Callable
from uuid import UUID

import uuid_utils

_is_canonical = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII).fullmatch

NewId = Callable[[], str]


def new_id() -> str:
    """Return a fresh UUIDv7. Its first 48 bits are Unix milliseconds, so ids sort by creation."""
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """Tell whether `text` is a UUID in its canonical lower-case form."""
    return _is_canonical(text) is not None


def first_id_at(milliseconds: int) -> str:
    """Return the smallest UUIDv7 of that Unix millisecond: where a range of ids by time begins."""
    return str(UUID(int=(milliseconds << 80) | (0x7 << 76) | (0x2 << 62)))


def milliseconds_of(identifier: str) -> int:
    """Return the Unix milliseconds that a UUIDv7 carries."""
    return UUID(identifier).int >> 80
