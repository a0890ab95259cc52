"""What a rule can do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_ACTIONS = 20


@dataclass(frozen=True)
class Parameter:
    """One parameter of an action. `type` is `text`, `id` or `template`; `most` its length in characters."""

    type: str
    required: bool
    description: str
    most: int = 255


@dataclass(frozen=True)
class ActionKind:
    """One kind of action."""

    code: str
    category: str
    description: str
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a rule."""

    action: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


_TAG = {"tag": Parameter("text", True, "the tag", 64)}

ACTIONS: Mapping[str, ActionKind] = {
    each.code: each
    for each in (
        ActionKind(
            "send_message",
            "message",
            "Write to the contact",
            {
                "content": Parameter("template", True, "the text, a Liquid template", 8192),
                "channel_id": Parameter("id", False, "by which channel; default: the one of the event"),
            },
        ),
        ActionKind("add_tag", "contact", "Put a tag on the contact", _TAG),
        ActionKind("remove_tag", "contact", "Take a tag off the contact", _TAG),
        ActionKind(
            "change_pipeline_status",
            "pipeline",
            "Move the contact to a status",
            {
                "status_id": Parameter("id", True, "the status"),
                "pipeline_id": Parameter("id", False, "its pipeline"),
            },
        ),
    )
}
"""The actions that exist."""

LATER = frozenset(
    (
        "send_template",
        "send_email",
        "assign_agent",
        "assign_to_queue",
        "create_task",
        "send_webhook",
        "update_custom_field",
        "trigger_workflow",
        "create_note",
        "create_agent_report",
        "notify_agent",
        "notify_coordinator",
    )
)
"""Actions that are planned; a rule that names one is told so."""
