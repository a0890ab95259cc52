"""Usage meters in Postgres: one statement for a batch of any size."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from postgres.database import Connection

from billing.domain.metering import ACTIVE_CONTACTS, Increments

# A contact counts for a day or month only where the row is really new. Both inserts are sorted, and the sort of the second one
# waits for all of the first, so every batch locks in the same order: contacts, then meters.
ADD = """
with active as (
    insert into active_contacts (tenant_id, project_id, period, starts_at, contact_id)
    select distinct tenant_id, project_id, period, date_trunc(period, to_timestamp(day * 86400.0), 'UTC') as starts_at, contact_id
    from unnest($6::uuid[], $7::uuid[], $8::uuid[], $9::bigint[]) as seen (tenant_id, project_id, contact_id, day),
        (values ('day'), ('month')) as periods (period)
    order by tenant_id, project_id, period, starts_at, contact_id
    on conflict do nothing
    returning tenant_id, project_id, period, starts_at
), counted as (
    select tenant_id, project_id, metric, 'hour' as period, to_timestamp(hour * 3600.0) as starts_at, quantity
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[])
        as used (tenant_id, project_id, metric, hour, quantity)
    union all
    select tenant_id, project_id, $10::text, period, starts_at, count(*) from active
    group by tenant_id, project_id, period, starts_at
)
insert into usage_meters as m (tenant_id, project_id, metric, period, starts_at, quantity)
select tenant_id, project_id, metric, period, starts_at, quantity from counted
order by tenant_id, project_id, metric, period, starts_at
on conflict (tenant_id, project_id, metric, period, starts_at)
    do update set quantity = m.quantity + excluded.quantity, updated_at = now()
"""

# Hours add up to days and months; active contacts are counted for the period itself.
READ = """
select metric, project_id, date_trunc($2, starts_at, 'UTC') as starts_at, sum(quantity)::bigint as quantity
from usage_meters
where tenant_id = $1 and period in ('hour', $2) and starts_at >= $3 and starts_at < $4
    and ($5::uuid is null or project_id = $5) and metric = any($6::text[])
group by 1, 2, 3
order by 3, 2, 1
"""


class MetersInPostgres:
    """The meter tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, increments: Increments) -> None:
        """Add what a batch counted."""
        if increments.quantities or increments.active:
            meters, active = list(increments.quantities), list(increments.active)
            await self._connection.execute(
                ADD,
                [meter.tenant_id for meter in meters],
                [meter.project_id for meter in meters],
                [meter.metric for meter in meters],
                [meter.hour for meter in meters],
                [increments.quantities[meter] for meter in meters],
                [each.tenant_id for each in active],
                [each.project_id for each in active],
                [each.contact_id for each in active],
                [each.day for each in active],
                ACTIVE_CONTACTS,
            )

    async def read(
        self,
        tenant_id: str,
        period: str,
        begin: datetime,
        end: datetime,
        *,
        project_id: str | None,
        metrics: Sequence[str],
    ) -> list[Any]:
        """Return what was used in each day or month within [begin, end)."""
        return list(await self._connection.fetch(READ, tenant_id, period, begin, end, project_id, list(metrics)))
