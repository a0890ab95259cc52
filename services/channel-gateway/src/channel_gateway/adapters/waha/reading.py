"""Reading JSON that may hold anything anywhere: a value of a wrong type counts as absent, like null, "" and [].

GOWS writes `URL`, `sourceID`, `PTT` where NOWEB writes `url`, `sourceId`, `ptt`: `fold` makes them one.
"""

import json
import math
import re
from typing import Any

import msgspec

Node = dict[str, Any]

LONGEST_TEXT = 65_536
LONGEST_ID = 255

_decode = msgspec.json.Decoder().decode
_DIGITS = re.compile(r"-?\d{1,20}(\.\d*)?", re.ASCII)


class NotJson(ValueError):  # noqa: N818 - named for what is wrong with the body
    """The body is no JSON at all: refused at the door, nothing kept."""


def decode(raw: bytes) -> Any:
    """Return the JSON value of a body. Raises NotJson.

    The fast decoder refuses half a surrogate pair, bytes that are no UTF-8 and numbers beyond 64 bits: WhatsApp texts
    may hold the first, so those bodies are read again by the patient one.
    """
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return json.loads(raw.decode("utf-8-sig", "replace"), parse_int=_whole_number, parse_constant=_no_constant)
    except ValueError:
        raise NotJson("the body is not JSON") from None


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def fold(value: Any) -> Node:
    """Return an object with its keys in lower case; {} for whatever is not an object."""
    return {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def present(value: Any) -> bool:
    return value is not None and value != "" and value != []


def text(value: Any, longest: int = LONGEST_TEXT) -> str | None:
    """Return a string that Postgres and UTF-8 can hold, cut to `longest` code points; None for "" and the rest.

    NUL and half surrogate pairs become U+FFFD.
    """
    if not isinstance(value, str) or not value:
        return None
    found: str = value[:longest]
    if "\0" in found:
        found = found.replace("\0", "\ufffd")
    if not found.isascii():
        try:
            found.encode()
        except UnicodeEncodeError:
            found = found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return found


def line(value: Any, longest: int = 500) -> str | None:
    """Return a string without spaces around it; None when nothing is left."""
    found = text(value, longest)
    return (found.strip() or None) if found else None


def number(value: Any) -> float | int | None:
    """Return a finite number; digits in a string, and a pair of 32-bit halves, are numbers too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return _number_in(value.strip())
    if isinstance(value, dict):
        low, high = value.get("low"), value.get("high")
        if type(low) is int and type(high) is int:
            return (high << 32) | (low & 0xFFFFFFFF)
    return None


def _number_in(digits: str) -> float | int | None:
    if not _DIGITS.fullmatch(digits):
        return None
    return float(digits) if "." in digits else int(digits)


def whole(value: Any) -> int | None:
    """Return a number without its fraction."""
    found = number(value)
    return None if found is None else int(found)


def size(value: Any) -> int | None:
    """Return a count, of bytes or seconds, that fits 64 bits; None for a negative one."""
    found = whole(value)
    return found if found is not None and 0 <= found < 2**63 else None


def flag(value: Any) -> bool | None:
    """Return True or False; None where neither is said."""
    return value if isinstance(value, bool) else None


def objects(value: Any) -> list[Node]:
    """Return the objects of a list, folded; [] for whatever is not a list."""
    return [fold(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []
