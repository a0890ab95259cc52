"""Custom fields: what a project wants to know of its contacts, and of which type. Key and type never change."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kernel.errors import DomainError

from contact.domain.field_values import TYPES_WITH_OPTIONS, value_of
from contact.domain.refusing import refused

MOST_FIELDS = 200
MOST_OPTIONS = 200
LONGEST_OPTION = 100
KEPT_BY_THE_PRODUCT = frozenset(
    ("waha_wid", "waha_lid", "waha_jid", "lead_score", "lead_qualification_score", "lead_qualified", "lead_confidence")
)
"""Keys of fields that the product itself will keep: nobody may define them otherwise."""
_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Definition:
    """A custom field of a project. `options` are what a select or multi_select chooses from."""

    key: str
    label: str
    type: str
    required: bool = False
    options: tuple[str, ...] = ()
    default_value: Any = None
    description: str | None = None

    def changed_by(self, given: Mapping[str, Any]) -> "Definition":
        """Return the definition after a partial change; null clears; raise DomainError naming the field for what cannot be.

        A default value must be a value of the field as it is afterwards.
        """
        read = dict(given)
        if "label" in read:
            read["label"] = (read["label"] or self.key).strip() or self.key
        if "required" in read:
            read["required"] = bool(read["required"])
        if "options" in read:
            read["options"] = _options(read["options"] or ())
        changed = replace(self, **read)
        if (self.type in TYPES_WITH_OPTIONS) is not bool(changed.options):
            code = "missing" if self.type in TYPES_WITH_OPTIONS else "not_allowed"
            raise refused("/options", code, "options belong to select and multi_select, which need them")
        if changed.default_value is None:
            return changed
        return replace(changed, default_value=changed.value_of(changed.default_value, "/default_value"))

    def value_of(self, given: Any, pointer: str) -> Any:
        """Return a value as it is stored; raise DomainError naming `pointer` for what is no value of this field."""
        return value_of(self.type, self.options, given, pointer)

    def differences(self, before: "Definition") -> tuple[str, ...]:
        """Return the names of what differs."""
        return tuple(name for name in self.__slots__ if getattr(self, name) != getattr(before, name))


def new_definition(given: Mapping[str, Any]) -> Definition:
    """Return the definition that a person gives; raise DomainError naming the field for what cannot be."""
    key, more = given["key"], {name: value for name, value in given.items() if name not in ("key", "type")}
    if not _KEY.fullmatch(key):
        raise refused("/key", "bad_format", "a lower-case letter, then letters, digits and _, at most 63 in all")
    if key in KEPT_BY_THE_PRODUCT:
        raise refused("/key", "not_allowed", "the product keeps that field itself")
    return Definition(key, key, given["type"]).changed_by(more)


def values_after(
    defined: Mapping[str, Definition], before: Mapping[str, Any], given: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the values after those that are `given`: null clears one, None instead of them clears all.

    Raises DomainError naming the key: a key that is not defined, a wrong value, or a required field that would have none.
    """
    if given is None:
        given = dict.fromkeys(before)
    after = dict(before)
    for key, value in given.items():
        pointer = _pointer_to(key)
        if key not in defined:
            raise refused(pointer, "unknown_field", f"there is no custom field {key[:100]}")
        if value is not None:
            after[key] = defined[key].value_of(value, pointer)
        elif after.pop(key, None) is not None:
            refuse_to_clear(defined[key])
    return after


def first_values(defined: Mapping[str, Definition], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the values of a contact that a person enters: those that are given, and defaults; required ones must be there."""
    given = given or {}
    defaults = {key: field.default_value for key, field in defined.items() if key not in given}
    values = {key: value for key, value in defaults.items() if value is not None} | values_after(defined, {}, given)
    for key, field in defined.items():
        if field.required and key not in values:
            raise refused(_pointer_to(key), "missing", "required")
    return values


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values differ, in JSON's eyes: true is not 1."""
    keys = sorted(before.keys() | after.keys())
    return [key for key in keys if _json_of(before, key) != _json_of(after, key)]


def _json_of(values: Mapping[str, Any], key: str) -> str | None:
    return json.dumps(values[key], sort_keys=True) if key in values else None


def refuse_to_clear(field: Definition) -> None:
    """Raise rule_violated where a field must have a value."""
    if field.required:
        raise DomainError("rule_violated", f"the custom field {field.key} is required", rule="required_field")


def _pointer_to(key: str) -> str:
    escaped = key[:100].replace("~", "~0").replace("/", "~1")
    return f"/custom_fields/{escaped}"


def _options(given: Sequence[str]) -> tuple[str, ...]:
    options = tuple(option.strip() for option in given)
    if len(options) > MOST_OPTIONS:
        raise refused("/options", "too_long", f"at most {MOST_OPTIONS} options")
    for number, option in enumerate(options):
        if not 1 <= len(option) <= LONGEST_OPTION:
            code = "too_long" if option else "too_short"
            raise refused(f"/options/{number}", code, f"1 to {LONGEST_OPTION} characters")
        if option in options[:number]:
            raise refused(f"/options/{number}", "not_unique", "each option once")
    return options
