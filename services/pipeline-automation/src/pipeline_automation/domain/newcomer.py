"""People whom we have just met, and where they begin."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A contact that was met, perhaps through a channel. `because` is the event that told us."""

    tenant_id: str
    project_id: str
    contact_id: str
    channel_id: str | None
    because: Any

    @property
    def key(self) -> tuple[str, str, str]:
        """Return tenant, project and contact."""
        return (self.tenant_id, self.project_id, self.contact_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a contact begins: the first open status of its channel's pipeline, else of the project's default one.

    Neither, where no such pipeline takes new contacts. A contact that has stood in the pipeline before begins nowhere anew.
    """

    tenant_id: str
    project_id: str
    contact_id: str
    pipeline_id: str | None
    status_id: str | None

    @property
    def key(self) -> tuple[str, str, str]:
        """Return tenant, project and contact."""
        return (self.tenant_id, self.project_id, self.contact_id)
