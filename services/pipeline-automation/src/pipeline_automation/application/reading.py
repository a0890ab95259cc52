"""What people read of pipelines and placements; there are no rules in it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

Row = Mapping[str, Any]


class Reading(Protocol):
    """Where pipelines and placements are read. Every call names the tenant."""

    async def pipeline(self, tenant_id: str, pipeline_id: str) -> Row:
        """Return a pipeline with its statuses; raise not_found."""

    async def project_of(self, tenant_id: str, pipeline_id: str) -> str:
        """Return the project of a pipeline; raise not_found."""

    async def status(self, tenant_id: str, pipeline_id: str, status_id: str) -> Row:
        """Return a status; raise not_found."""

    async def refuse_unknown_contact(self, tenant_id: str, contact_id: str) -> None:
        """Raise not_found unless people can see such a contact."""

    async def stats(self, tenant_id: str, pipeline_id: str, since: datetime, until: datetime) -> Sequence[Row]:
        """Return what happened in each status of a pipeline from `since` until before `until`."""


ReadingOf = Callable[[Any], Reading]
"""From a unit of work to the reads of its transaction."""
