"""Values of custom fields, by type: what is accepted, and the form in which it is stored."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from contact.domain.addresses import parse_email, parse_phone
from contact.domain.refusing import refused

LONGEST_TEXT = 10_000
LONGEST_LABEL = 255
LONGEST_URL = 2048
MOST_JSON_BYTES = 16 * 1024
MOST_CHOSEN = 50
LARGEST_INTEGER = 2**53 - 1
"""What every JSON reader holds exactly (RFC 8259, section 6)."""
TYPES_WITH_OPTIONS = frozenset(("select", "multi_select"))

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)")

Options = Sequence[str]
Read = Callable[[Any, str, Options], Any]


def value_of(type: str, options: Options, given: Any, pointer: str) -> Any:
    """Return `given` as a value of that type is stored; raise DomainError naming `pointer` for what is none."""
    return _READ[type](given, pointer, options)


def _text(given: Any, pointer: str, most: int = LONGEST_TEXT) -> str:
    if not isinstance(given, str):
        raise refused(pointer, "wrong_type", "text expected")
    if len(given) > most:
        raise refused(pointer, "too_long", f"at most {most} characters")
    return given


def _read_text(given: Any, pointer: str, _: Options) -> str:
    return _text(given, pointer)


def _read_label(given: Any, pointer: str, _: Options) -> str:
    label = _text(given, pointer, LONGEST_LABEL).strip()
    if not label:
        raise refused(pointer, "too_short", "a label has at least 1 character")
    if not label.isprintable():
        raise refused(pointer, "bad_format", "a label is a single line without control characters")
    return label


def _read_number(given: Any, pointer: str, _: Options) -> int | float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise refused(pointer, "wrong_type", "a number expected")
    if isinstance(given, int) and abs(given) > LARGEST_INTEGER:
        raise refused(pointer, "out_of_range", f"whole numbers of at most {LARGEST_INTEGER}")
    return given


def _read_boolean(given: Any, pointer: str, _: Options) -> bool:
    if not isinstance(given, bool):
        raise refused(pointer, "wrong_type", "true or false expected")
    return given


def _read_date(given: Any, pointer: str, _: Options) -> str:
    text = _text(given, pointer)
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            return text
        if _DATE_TIME.fullmatch(text):
            datetime.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise refused(pointer, "bad_format", "a date like 2026-03-04, or a time with its offset like 2026-03-04T05:06:07Z")


def _read_json(given: Any, pointer: str, _: Options) -> Any:
    if len(json.dumps(given, ensure_ascii=False).encode()) > MOST_JSON_BYTES:
        raise refused(pointer, "too_long", f"at most {MOST_JSON_BYTES} bytes of JSON")
    _check_numbers(given, pointer)
    return given


def _check_numbers(given: Any, pointer: str) -> None:
    if isinstance(given, Mapping):
        for each in given.values():
            _check_numbers(each, pointer)
    elif isinstance(given, list):
        for each in given:
            _check_numbers(each, pointer)
    elif isinstance(given, int) and abs(given) > LARGEST_INTEGER:
        raise refused(pointer, "out_of_range", f"whole numbers of at most {LARGEST_INTEGER}")


def _read_url(given: Any, pointer: str, _: Options) -> str:
    text = _text(given, pointer, LONGEST_URL).strip()
    try:
        parts = urlsplit(text)
        if parts.scheme.lower() in ("http", "https") and parts.hostname and text.isprintable() and " " not in text:
            return text
    except ValueError:
        pass
    raise refused(pointer, "bad_format", "an address like https://example.com/ expected")


def _read_email(given: Any, pointer: str, _: Options) -> str:
    return parse_email(_text(given, pointer), pointer)


def _read_phone(given: Any, pointer: str, _: Options) -> str:
    return parse_phone(_text(given, pointer), pointer)


def _read_choice(given: Any, pointer: str, options: Options) -> str:
    if not isinstance(given, str):
        raise refused(pointer, "wrong_type", "one of the options expected")
    if given not in options:
        raise refused(pointer, "not_in_enum", "one of the options expected")
    return given


def _read_choices(given: Any, pointer: str, options: Options) -> list[str]:
    if not isinstance(given, list):
        raise refused(pointer, "wrong_type", "a list of options expected")
    if len(given) > MOST_CHOSEN:
        raise refused(pointer, "too_long", f"at most {MOST_CHOSEN} options")
    chosen = [_read_choice(each, f"{pointer}/{number}", options) for number, each in enumerate(given)]
    return list(dict.fromkeys(chosen))


_READ: Mapping[str, Read] = {
    "text": _read_text,
    "number": _read_number,
    "boolean": _read_boolean,
    "date": _read_date,
    "json": _read_json,
    "url": _read_url,
    "email": _read_email,
    "phone": _read_phone,
    "select": _read_choice,
    "multi_select": _read_choices,
    "label": _read_label,
}
TYPES = tuple(_READ)
"""The eleven types of the product."""
