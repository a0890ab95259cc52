"""What a condition or a template can know: one object for each event, and the names of what is in it.

Every known name is there; what is not known is null.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline_automation.domain.heard import Heard
from pipeline_automation.domain.triggers import TRIGGERS

LONGEST_TEXT = 4096
"""Characters of a message that rules look at."""

Path = tuple[str, ...]

CONTACT = (
    "id",
    "name",
    "email",
    "phone",
    "language",
    "timezone",
    "source_channel",
    "tags",
    "created_at",
    "opted_out",
)
SESSION = (
    "id",
    "status",
    "message_count",
    "duration_minutes",
    "assigned_agent_id",
    "resolved",
    "escalated",
)
MESSAGE = ("id", "text", "content_type", "chat_type")
CHANNEL = ("id", "type")
TIME = ("hour", "weekday")
PLACEMENT = ("status_id", "value", "hours_in_status")

ROOTS: Mapping[str, tuple[str, ...]] = {
    "contact": CONTACT,
    "session": SESSION,
    "message": MESSAGE,
    "channel": CHANNEL,
    "time": TIME,
}
"""What stands below each root, besides `trigger.<parameter>`, `contact.custom.<key>` and `contact.pipeline.<id>.<name>`.

`time` is that of the event in the project's zone; weekdays count from Sunday = 0.
"""

CUSTOM_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is known when an event is looked at, nested by the names above."""

    values: Mapping[str, Any]

    def read(self, path: Path) -> Any:
        """Return what stands at a path, None where nothing does."""
        value: Any = self.values
        for step in path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(step)
        return value

    def placed_in(self, pipeline_id: str) -> bool:
        """Tell whether the contact stands in a pipeline now."""
        return self.read(("contact", "pipeline", pipeline_id, "status_id")) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a contact stands in one pipeline."""

    status_id: str
    entered_at: datetime
    pipeline_name: str | None = None
    status_name: str | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToRules:
    """A contact as rules know it: `values` by the names of CONTACT, and where it stands, by pipeline.

    Of one that is not `known` we have heard no more than that it exists.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    known: bool = False
    deleted: bool = False


NOBODY = KnownToRules()


def facts_of(heard: Heard, contact: KnownToRules, zone: str | None, now: datetime) -> Facts:
    """Return all that is known when an event is looked at; `zone` is the project's."""
    local = heard.occurred_at.astimezone(zone_of(zone))
    name = contact.values.get("name") or heard.contact_name
    message = {**dict.fromkeys(MESSAGE), **heard.message}
    text = message["text"]
    message["text"] = text[:LONGEST_TEXT] if isinstance(text, str) else None
    trigger = {**dict.fromkeys(names_below("trigger", heard.trigger)), **heard.parameters}
    if "text" in trigger:
        trigger["text"] = message["text"]
    return Facts(
        {
            "trigger": trigger,
            "contact": {
                **dict.fromkeys(CONTACT),
                "tags": [],
                **contact.values,
                "id": heard.contact_id,
                "name": name,
                "custom": contact.custom,
                "pipeline": {
                    pipeline_id: {
                        "status_id": each.status_id,
                        "value": each.value,
                        "hours_in_status": max((now - each.entered_at).total_seconds(), 0) / 3600,
                    }
                    for pipeline_id, each in contact.standings.items()
                },
            },
            "session": {**dict.fromkeys(SESSION), "id": heard.session_id, **heard.session},
            "message": message,
            "channel": {**dict.fromkeys(CHANNEL), "id": heard.channel_id, **heard.channel},
            "time": {"hour": local.hour, "weekday": (local.weekday() + 1) % 7},
        }
    )


def zone_of(name: str | None) -> ZoneInfo:
    """Return a time zone by its name, UTC where there is no such zone."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def path_of(field: str, trigger: str, pipeline_id: str | None) -> Path | None:
    """Return where the field of a condition stands, None for one that does not exist.

    A parameter of the trigger may be named alone; `status_id` alone is the one in the rule's pipeline, unless it is a parameter.
    """
    parameters = TRIGGERS[trigger].parameters if trigger in TRIGGERS else {}
    root, _, rest = field.partition(".")
    if field in parameters:
        return ("trigger", field)
    if field == "status_id":
        return ("contact", "pipeline", pipeline_id, "status_id") if pipeline_id else None
    if root == "custom_fields":
        return ("contact", "custom", rest) if CUSTOM_KEY.fullmatch(rest) else None
    if root == "trigger":
        return ("trigger", rest) if rest in parameters else None
    if root == "contact" and "." in rest:
        return _below_contact(*rest.split(".", 1))
    return (root, rest) if rest in ROOTS.get(root, ()) else None


def names_below(root: str, trigger: str) -> tuple[str, ...]:
    """Return the names that stand right below a root."""
    if root == "trigger":
        return tuple(TRIGGERS[trigger].parameters) if trigger in TRIGGERS else ()
    return (*CONTACT, "custom", "pipeline") if root == "contact" else ROOTS[root]


def nothing_known(trigger: str) -> Facts:
    """Return the facts of an event of which nothing is known: every name, and null."""
    values: dict[str, Any] = {root: dict.fromkeys(names_below(root, trigger)) for root in ("trigger", *ROOTS)}
    values["contact"] |= {"tags": [], "custom": {}, "pipeline": {}}
    return Facts(values)


def _below_contact(kind: str, rest: str) -> Path | None:
    if kind == "custom" and CUSTOM_KEY.fullmatch(rest):
        return ("contact", "custom", rest)
    if kind == "pipeline":
        pipeline_id, _, name = rest.partition(".")
        if _ID.fullmatch(pipeline_id) and name in PLACEMENT:
            return ("contact", "pipeline", pipeline_id, name)
    return None
