"""Taking personal data and secrets out of what is logged: by the name of the field, and by the look of the value."""

import re
from collections.abc import Mapping
from typing import Any

REMOVED = "[removed]"

SENSITIVE_WORDS = frozenset(
    (
        "address",
        "authorization",
        "body",
        "caption",
        "content",
        "cookie",
        "credential",
        "credentials",
        "email",
        "jid",
        "key",
        "lid",
        "mail",
        "message",
        "name",
        "otp",
        "partitionkey",
        "password",
        "payload",
        "phone",
        "qr",
        "secret",
        "text",
        "ticket",
        "token",
    )
)
"""A field whose last word (`push_name`, `api_key`) is one of these never shows its value."""

PUBLIC_FIELDS = frozenset(("error.message", "queue_name", "routing_key"))
"""Fields that end in a sensitive word and hold no personal data."""

IDENTIFIERS = frozenset(("trace_id", "span_id", "traceparent", "timestamp", "error.stack"))
"""Fields that are ours and may look like a number."""

MAX_DEPTH = 4

_LOOKS = re.compile(
    r"""
      (?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)
    | (?P<instant>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d[0-9:.]*)
    | (?P<secret>\b(?:vk|vo)_[0-9a-zA-Z]+_[0-9a-zA-Z]+|\bwhsec_[\w+/=]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*)
    | (?P<login>(?<=://)[^\s/@:]+:[^\s/@]*(?=@))
    | (?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)*)
    | (?P<phone>(?<![\w.])\+?\(?\d(?:[\s()-]{0,2}\d){9,}(?!\w))
    """,
    re.VERBOSE,
)
_KEPT = ("uuid", "instant")


def scrub_text(text: str) -> str:
    """Mask what looks like a phone, a WhatsApp id, an e-mail address, a key or a token; UUIDs and times survive."""
    if len(text) == 36 and text[8] == text[13] == text[18] == text[23] == "-":
        return text  # most of what is logged are UUIDs
    return _LOOKS.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    kind = found.lastgroup
    return found.group() if kind in _KEPT else f"[{kind}]"


def scrub(field: str, value: Any, depth: int = 0) -> Any:
    """Return what may be logged of `value` under the name `field`."""
    if value is None or value is True or value is False:
        return value
    if field in IDENTIFIERS:
        return value
    if is_sensitive(field):
        return REMOVED
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, int | float):
        return value
    if depth >= MAX_DEPTH:
        return REMOVED
    if isinstance(value, Mapping):
        return {scrub_text(str(name)): scrub(str(name), each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub("", each, depth + 1) for each in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return scrub_text(str(value))


_known: dict[str, bool] = {}


def is_sensitive(field: str) -> bool:
    """Tell whether a field of that name must not show its value. Field names are constants, so the answers are kept."""
    known = _known.get(field)
    if known is None:
        words = re.sub(r"([a-z])([A-Z])", r"\1_\2", field).lower()
        known = words not in PUBLIC_FIELDS and re.split(r"[_.\- ]", words)[-1] in SENSITIVE_WORDS
        if len(_known) < 4096:
            _known[field] = known
    return known
