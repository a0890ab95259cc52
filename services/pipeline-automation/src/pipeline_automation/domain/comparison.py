"""How a fact is compared with the value of a condition.

Text ignores case, numbers compare by value (5 = 5.0), dates as instants, lists as sets. Numeric text compares as a number with a
number. What is missing makes `ne` true and every other operator false; so do types that do not fit, which is noted.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MISMATCH = "types_differ"

_NUMERIC = re.compile(r"\s*([+-]?\d{1,300})(\.\d{1,300})?\s*", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d.*)?", re.ASCII)


class _MismatchError(Exception):
    """These two cannot be compared so."""


@dataclass(frozen=True)
class Operator:
    """One way to compare; `aliases` are other names that people may write."""

    code: str
    aliases: tuple[str, ...]
    types: tuple[str, ...]
    description: str
    holds: Callable[[Any, Any], bool]


def compare(operator: str, actual: Any, value: Any) -> tuple[bool, str | None]:
    """Return whether `actual <operator> value` holds, and a note where the types do not fit."""
    if actual is None or value is None:
        return operator == "ne", None
    try:
        return OPERATORS[operator].holds(actual, value), None
    except _MismatchError:
        return operator == "ne", MISMATCH


def equal(actual: Any, value: Any) -> bool:
    """Return whether two values are the same, in the sense of `eq`; raise where their types do not fit."""
    if isinstance(actual, list | tuple) or isinstance(value, list | tuple):
        if not (isinstance(actual, list | tuple) and isinstance(value, list | tuple)):
            raise _MismatchError
        return all(_has(value, each) for each in actual) and all(_has(actual, each) for each in value)
    if isinstance(actual, str) and isinstance(value, str):
        return actual.casefold() == value.casefold()
    left, right = _comparable(actual, value)
    return bool(left == right)


def number_of(value: Any) -> int | float | None:
    """Return a number, also out of numeric text; None for anything else, truth values included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and (found := _NUMERIC.fullmatch(value)):
        return float(value) if found[2] else int(found[1])
    return None


def instant_of(value: Any) -> datetime | None:
    """Return an instant out of a time or ISO 8601 text; a date begins at midnight, and what names no offset is UTC."""
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _has(values: Sequence[Any], wanted: Any) -> bool:
    return any(_same(each, wanted) for each in values)


def _same(actual: Any, value: Any) -> bool:
    """Elements of a list: what cannot be compared is another element, and nothing is like nothing."""
    if actual is None or value is None:
        return actual is value
    try:
        return equal(actual, value)
    except _MismatchError:
        return False


def _comparable(actual: Any, value: Any) -> tuple[Any, Any]:
    """Return both as numbers, instants or truth values; two texts are no numbers."""
    if isinstance(actual, bool) and isinstance(value, bool):
        return actual, value
    if isinstance(actual, datetime) or isinstance(value, datetime):
        pair: tuple[Any, Any] = instant_of(actual), instant_of(value)
    elif isinstance(actual, str) and isinstance(value, str):
        raise _MismatchError
    else:
        pair = number_of(actual), number_of(value)
    if pair[0] is None or pair[1] is None:
        raise _MismatchError
    return pair


def _ordered(compare_two: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(actual: Any, value: Any) -> bool:
        if isinstance(actual, bool) or isinstance(value, bool):
            raise _MismatchError
        return compare_two(*_comparable(actual, value))

    return holds


def _contains(actual: Any, value: Any) -> bool:
    if isinstance(actual, list | tuple):
        return _has(actual, value)
    if isinstance(actual, str) and isinstance(value, str):
        return value.casefold() in actual.casefold()
    raise _MismatchError


def _in(actual: Any, value: Any) -> bool:
    if not isinstance(value, list | tuple) or isinstance(actual, list | tuple):
        raise _MismatchError
    return _has(value, actual)


_ORDERED_TYPES = ("number", "date")
OPERATORS: Mapping[str, Operator] = {
    each.code: each
    for each in (
        Operator("eq", ("equals",), ("text", "number", "boolean", "date", "list"), "is the same", equal),
        Operator(
            "ne",
            ("not_equals",),
            ("text", "number", "boolean", "date", "list"),
            "is another, or missing",
            lambda actual, value: not equal(actual, value),
        ),
        Operator("gt", ("greater_than",), _ORDERED_TYPES, "is greater or later", _ordered(lambda a, b: bool(a > b))),
        Operator(
            "gte",
            ("greater_than_or_equal",),
            _ORDERED_TYPES,
            "is not less or earlier",
            _ordered(lambda a, b: bool(a >= b)),
        ),
        Operator("lt", ("less_than",), _ORDERED_TYPES, "is less or earlier", _ordered(lambda a, b: bool(a < b))),
        Operator(
            "lte",
            ("less_than_or_equal",),
            _ORDERED_TYPES,
            "is not greater or later",
            _ordered(lambda a, b: bool(a <= b)),
        ),
        Operator("contains", (), ("text", "list"), "text has these words, list has this element", _contains),
        Operator("in", (), ("text", "number", "boolean", "date"), "is one of a list", _in),
    )
}
"""The eight operators of rules."""

CODE_OF: Mapping[str, str] = {name: each.code for each in OPERATORS.values() for name in (each.code, *each.aliases)}
"""Every name of an operator → its code."""
