"""What people read of pipelines and placements, from Postgres."""

from collections.abc import Sequence
from datetime import datetime

from kernel.errors import DomainError
from postgres.database import Connection

from pipeline_automation.adapters.pipeline_rows import ONE, ONE_STATUS, PROJECT
from pipeline_automation.adapters.placement_rows import STATS
from pipeline_automation.application.reading import Row

CONTACT = "select from contacts where tenant_id = $1 and id = $2 and not deleted"


class ReadingInPostgres:
    """Reads of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def pipeline(self, tenant_id: str, pipeline_id: str) -> Row:
        """Return a pipeline with its statuses; raise not_found."""
        row: Row | None = await self._connection.fetchrow(ONE, tenant_id, pipeline_id)
        if row is None:
            raise DomainError("not_found", "there is no such pipeline")
        return row

    async def project_of(self, tenant_id: str, pipeline_id: str) -> str:
        """Return the project of a pipeline; raise not_found."""
        project: str | None = await self._connection.fetchval(PROJECT, tenant_id, pipeline_id)
        if project is None:
            raise DomainError("not_found", "there is no such pipeline")
        return project

    async def status(self, tenant_id: str, pipeline_id: str, status_id: str) -> Row:
        """Return a status; raise not_found."""
        row: Row | None = await self._connection.fetchrow(ONE_STATUS, tenant_id, pipeline_id, status_id)
        if row is None:
            raise DomainError("not_found", "there is no such status")
        return row

    async def refuse_unknown_contact(self, tenant_id: str, contact_id: str) -> None:
        """Raise not_found unless people can see such a contact."""
        if await self._connection.fetchrow(CONTACT, tenant_id, contact_id) is None:
            raise DomainError("not_found", "there is no such contact")

    async def stats(self, tenant_id: str, pipeline_id: str, since: datetime, until: datetime) -> Sequence[Row]:
        """Return what happened in each status of a pipeline from `since` until before `until`."""
        return list(await self._connection.fetch(STATS, tenant_id, pipeline_id, since, until))
