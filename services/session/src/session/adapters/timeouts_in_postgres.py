"""How long pipelines and projects allow a session to be silent, as their owners told."""

from collections.abc import Sequence

from postgres.database import Connection

from session.domain.attendance import Message
from session.domain.timeouts import Allowance, Resting, Timeouts

# What is deleted stays as a row without minutes: an older version that comes late finds it and changes nothing.
KEEP = """
insert into timeouts (tenant_id, owner_id, minutes, version)
select distinct on (tenant_id, owner_id) tenant_id, owner_id, minutes, version
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) as t (tenant_id, owner_id, minutes, version)
order by tenant_id, owner_id, version desc
on conflict (tenant_id, owner_id) do update set minutes = excluded.minutes, version = excluded.version, updated_at = now()
where timeouts.version < excluded.version
"""

# May come before the first of its timeouts, whose version it leaves alone.
KEEP_RESTING = """
insert into timeouts (tenant_id, owner_id, version, rests, rests_version)
select distinct on (tenant_id, owner_id) tenant_id, owner_id, 0, rests, version
from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::int[]) as t (tenant_id, owner_id, rests, version)
order by tenant_id, owner_id, version desc
on conflict (tenant_id, owner_id) do update set rests = excluded.rests, rests_version = excluded.rests_version, updated_at = now()
where timeouts.rests_version < excluded.rests_version
"""

OF = """
select t.tenant_id::text, t.owner_id::text, t.minutes, t.rests
from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, owner_id)
join timeouts t on t.tenant_id = wanted.tenant_id and t.owner_id = wanted.owner_id
where t.minutes is not null or t.rests
"""


class TimeoutsInPostgres:
    """The projection of pipelines' and projects' timeouts."""

    def __init__(self, connection: Connection, default_minutes: int) -> None:
        self._connection = connection
        self._default_minutes = default_minutes

    async def keep(self, allowances: Sequence[Allowance]) -> None:
        """Keep the newest version of each."""
        await self._connection.execute(
            KEEP,
            [each.tenant_id for each in allowances],
            [each.owner_id for each in allowances],
            [each.minutes for each in allowances],
            [each.version for each in allowances],
        )

    async def keep_resting(self, projects: Sequence[Resting]) -> None:
        """Keep the newest version of each."""
        await self._connection.execute(
            KEEP_RESTING,
            [each.tenant_id for each in projects],
            [each.project_id for each in projects],
            [each.rests for each in projects],
            [each.version for each in projects],
        )

    async def of(self, messages: Sequence[Message]) -> Timeouts:
        """Return what the pipelines and projects of these messages allow."""
        owners = {
            (each.tenant_id, owner) for each in messages for owner in (each.pipeline_id, each.project_id) if owner
        }
        wanted = sorted(owners)
        rows = await self._connection.fetch(OF, [tenant for tenant, _ in wanted], [owner for _, owner in wanted])
        return Timeouts(
            {(tenant, owner): minutes for tenant, owner, minutes, _ in rows if minutes is not None},
            self._default_minutes,
            frozenset((tenant, owner) for tenant, owner, _, rests in rows if rests),
        )
