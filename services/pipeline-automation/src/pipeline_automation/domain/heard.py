"""An event as rules see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Something happened that may start rules.

    `parameters` are those of the trigger; `session`, `message` and `channel` what the event tells of these. `occurred_at` is the
    event's own time, which for a late message is long ago.
    """

    tenant_id: str
    project_id: str
    event_id: str
    trigger: str
    occurred_at: datetime
    actor: str
    hop: int
    correlation_id: str
    traceparent: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    contact_id: str | None = None
    contact_name: str | None = None
    session_id: str | None = None
    chat_key: str | None = None
    channel_id: str | None = None
    session: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, Any] = field(default_factory=dict)
    channel: Mapping[str, Any] = field(default_factory=dict)

    @property
    def in_group(self) -> bool:
        """Tell whether it happened in a group chat."""
        return self.parameters.get("chat_type") == GROUP

    @property
    def project(self) -> tuple[str, str]:
        """Return tenant and project."""
        return (self.tenant_id, self.project_id)

    @property
    def contact(self) -> tuple[str, str] | None:
        """Return tenant and contact, where it concerns one."""
        return (self.tenant_id, self.contact_id) if self.contact_id else None
