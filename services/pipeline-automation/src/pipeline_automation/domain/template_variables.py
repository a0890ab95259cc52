"""What the templates of a rule may name, and the values that stand for these names."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline_automation.domain.facts import CUSTOM_KEY, SESSION, Facts, names_below

LONGEST_TEMPLATE = 8192
LONGEST_VALUE = 1000
LONGEST_NAME = 50
LONGEST_TEXT = 4096
"""Characters of a template, of a value and of a name in it, and of a rendered text (which is not blank, either)."""

SHORT = ("name", "phone", "email")
"""Short for the contact's."""
OF_CONTACT = (*SHORT, "first_name", "language", "tags")


def variable_exists(segments: Sequence[object], trigger: str) -> bool:
    """Tell whether a template may name this; `segments` are the steps of its path."""
    if any(len(str(segment)) > LONGEST_NAME for segment in segments):
        return False
    match list(segments):
        case [str(name)]:
            return name in SHORT or name == "now"
        case ["contact", str(name)]:
            return name in OF_CONTACT
        case ["contact", "tags", "first" | "last" | "size" | int()]:
            return True
        case ["contact", "custom", str(key)]:
            return CUSTOM_KEY.fullmatch(key) is not None
        case ["session", str(name)]:
            return name in SESSION
        case ["trigger", str(name)]:
            return name in names_below("trigger", trigger)
        case ["pipeline" | "status" | "project", "name"]:
            return True
    return False


def names_for(trigger: str) -> list[str]:
    """Return what a template may name, for people."""
    return [
        *SHORT,
        *(f"contact.{name}" for name in (*OF_CONTACT, "custom.<key>")),
        *(f"session.{name}" for name in SESSION),
        *(f"trigger.{name}" for name in names_below("trigger", trigger)),
        *("pipeline.name", "status.name", "project.name", "now"),
    ]


def template_values(
    facts: Facts, *, project: str | None, pipeline: str | None, status: str | None, now: datetime
) -> dict[str, Any]:
    """Return the values of all names. What has none is left out, so that a template that needs it fails."""
    values = facts.values
    known = dict(values["contact"])
    name = known.get("name")
    contact = {
        **{each: known.get(each) for each in OF_CONTACT},
        "first_name": name.split()[0] if isinstance(name, str) and name.strip() else None,
        "custom": known.get("custom") or {},
    }
    everything = {
        **{each: contact[each] for each in SHORT},
        "contact": contact,
        "session": values["session"],
        "trigger": values["trigger"],
        "pipeline": {"name": pipeline},
        "status": {"name": status},
        "project": {"name": project},
        "now": now,
    }
    return {name: _present(value) for name, value in everything.items() if _has_value(value)}


def _present(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _present(each) for name, each in value.items() if _has_value(each)}
    return value[:LONGEST_VALUE] if isinstance(value, str) else value


def _has_value(value: Any) -> bool:
    return value is not None and value != ""
