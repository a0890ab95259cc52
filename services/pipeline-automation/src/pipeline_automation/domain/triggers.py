"""What can start a rule."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Trigger:
    """One kind of event; `parameters` are the names and types of what it tells."""

    code: str
    category: str
    description: str
    parameters: Mapping[str, str]
    filters: tuple[str, ...]
    """What `trigger_filter` may name: parameters of the trigger, and `tag` (the contact has it)."""


TRIGGERS: Mapping[str, Trigger] = {
    each.code: each
    for each in (
        Trigger(
            "message.received",
            "message",
            "A contact wrote a message",
            {
                "message_id": "id",
                "message_count": "number",
                "text": "text",
                "content_type": "text",
                "chat_type": "text",
                "contact_id": "id",
                "session_id": "id",
                "channel_id": "id",
                "is_new_contact": "boolean",
            },
            ("channel_id", "chat_type", "content_type", "tag"),
        ),
        Trigger(
            "session.started",
            "session",
            "An attendance began",
            {"session_id": "id", "contact_id": "id", "channel_id": "id", "pipeline_id": "id"},
            ("channel_id", "pipeline_id", "tag"),
        ),
        Trigger(
            "session.ended",
            "session",
            "An attendance ended, for whatever reason",
            {
                "session_id": "id",
                "contact_id": "id",
                "channel_id": "id",
                "pipeline_id": "id",
                "session_duration_minutes": "number",
                "message_count": "number",
                "resolved": "boolean",
                "end_reason": "text",
                "ended_unanswered": "boolean",
            },
            ("channel_id", "pipeline_id", "end_reason", "resolved", "tag"),
        ),
        Trigger(
            "contact.created",
            "contact",
            "A contact was met, or entered by hand",
            {"contact_id": "id", "origin": "text", "source_channel": "text"},
            ("origin", "source_channel", "tag"),
        ),
        Trigger(
            "contact.entered_pipeline",
            "pipeline",
            "A contact was placed in a pipeline for the first time",
            {"contact_id": "id", "pipeline_id": "id", "status_id": "id"},
            ("pipeline_id", "status_id", "tag"),
        ),
        Trigger(
            "status.changed",
            "pipeline",
            "A contact moved to another status",
            {"contact_id": "id", "pipeline_id": "id", "old_status_id": "id", "new_status_id": "id"},
            ("pipeline_id", "old_status_id", "new_status_id", "tag"),
        ),
    )
}
"""The triggers that exist."""
