"""People whom we have just met."""

from dataclasses import dataclass
from typing import Any

from pipeline_automation.domain.known_contact import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A contact that was met, perhaps through a channel. `because` is the event that told us, `snapshot` how it describes them."""

    tenant_id: str
    project_id: str
    contact_id: str
    channel_id: str | None
    because: Any
    snapshot: Snapshot | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Return tenant, project and contact."""
        return (self.tenant_id, self.project_id, self.contact_id)
