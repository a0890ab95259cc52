"""The audit log: what was written, by whom, from where. It is added to, and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One write. `changes` holds `{from, to}` by field."""

    tenant_id: str
    id: str
    project_id: str | None
    created_at: datetime
    source: str
    actor_kind: str
    actor_id: str | None
    action: str
    object_type: str
    object_id: str | None
    changes: Mapping[str, Mapping[str, Any]]
    ip: str | None
    user_agent: str | None
    request_id: str
    correlation_id: str


class AuditLog(Protocol):
    """Where entries are kept."""

    async def keep(self, entries: Sequence[Entry]) -> None:
        """Add entries, each with the name that its actor has now."""
