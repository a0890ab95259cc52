"""What rules could have heard lately, in Postgres."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec
from postgres.database import Connection

from pipeline_automation.domain.heard import Heard

KEPT = timedelta(days=7)

KEEP = """
insert into trigger_events (tenant_id, id, project_id, trigger, heard, keep_until)
select tenant_id, id, project_id, trigger, heard, $1
from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::jsonb[]) as k (tenant_id, id, project_id, trigger, heard)
order by tenant_id, id
on conflict (tenant_id, id) do nothing
"""

LAST = """
select heard from trigger_events where tenant_id = $1 and project_id = $2 and trigger = $3 order by id desc limit $4
"""

GET = "select heard from trigger_events where tenant_id = $1 and project_id = $2 and id = $3"

WAIT = """
insert into waiting_triggers (tenant_id, event_id, contact_id, heard, keep_until)
select tenant_id, event_id, contact_id, heard, $1
from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::jsonb[]) as w (tenant_id, event_id, contact_id, heard)
order by tenant_id, event_id
on conflict (tenant_id, event_id) do nothing
"""

NO_LONGER_WAITING = """
delete from waiting_triggers t using unnest($1::uuid[], $2::uuid[]) as w (tenant_id, contact_id)
where t.tenant_id = w.tenant_id and t.contact_id = w.contact_id
returning t.event_id, t.heard
"""


class TriggerEventsInPostgres:
    """A sample of what was heard, and what waits for its contact."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def keep(self, heard: Sequence[Heard], now: datetime) -> None:
        """Store events."""
        await self._connection.execute(
            KEEP,
            now + KEPT,
            [each.tenant_id for each in heard],
            [each.event_id for each in heard],
            [each.project_id for each in heard],
            [each.trigger for each in heard],
            [msgspec.json.encode(each).decode() for each in heard],
        )

    async def wait(self, heard: Sequence[Heard], now: datetime) -> None:
        """Store events whose contact is not known yet."""
        await self._connection.execute(
            WAIT,
            now + KEPT,
            [each.tenant_id for each in heard],
            [each.event_id for each in heard],
            [each.contact_id for each in heard],
            [msgspec.json.encode(each).decode() for each in heard],
        )

    async def no_longer_waiting(self, contacts: Collection[tuple[str, str]]) -> list[Heard]:
        """Return the events that waited for these contacts (tenant, contact), in their order; they are forgotten."""
        rows = await self._connection.fetch(
            NO_LONGER_WAITING, [tenant for tenant, _ in contacts], [contact for _, contact in contacts]
        )
        return [msgspec.json.decode(row["heard"], type=Heard) for row in sorted(rows, key=lambda row: row["event_id"])]

    async def last(self, tenant_id: str, project_id: str, trigger: str, count: int) -> list[Heard]:
        """Return the last events of a trigger, the newest first."""
        rows = await self._connection.fetch(LAST, tenant_id, project_id, trigger, count)
        return [msgspec.json.decode(row["heard"], type=Heard) for row in rows]

    async def get(self, tenant_id: str, project_id: str, event_id: str) -> Heard | None:
        """Return one event, None where it is not kept."""
        heard = await self._connection.fetchval(GET, tenant_id, project_id, event_id)
        return None if heard is None else msgspec.json.decode(heard, type=Heard)
