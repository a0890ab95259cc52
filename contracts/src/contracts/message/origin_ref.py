"""What made a message, in an event."""

from typing import Annotated

from msgspec import Meta

from contracts.fields import Wire, open_enum


class OriginRef(Wire, kw_only=True):
    """The rule, broadcast or schedule behind an automated message."""

    kind: Annotated[
        str,
        Meta(
            extra_json_schema=open_enum(
                "rule", "broadcast", "sequence", "campaign", "ai_turn", "schedule", "survey", "warning", "consent"
            )
        ),
    ]
    id: str
    execution_id: str | None = None
    action_index: int | None = None
