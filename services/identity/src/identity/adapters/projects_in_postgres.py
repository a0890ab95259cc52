"""Projects in Postgres, and which channels work in them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
from kernel.errors import DomainError
from postgres.database import Connection
from postgres.listing import Listing

from identity.domain.project import KnownChannel, Project

OBJECTS = ("business_hours", "agent_assignment", "configuration")

# Of $2, who may be bound to the one project $3. Owners are in each of them.
MINE = """
select p.*, p.owner_user_id as customer_id from projects p
where p.tenant_id = $1 and p.deleted_at is null and ($3::uuid is null or p.id = $3)
    and exists (
        select from tenant_members o
        left join project_members m on m.tenant_id = o.tenant_id and m.project_id = p.id and m.user_id = o.user_id
        where o.tenant_id = p.tenant_id and o.user_id = $2 and (o.owner or m.joined_at is not null)
    )
"""

PROJECTS = Listing(
    select=MINE,
    sorts={"created_at": "created_at timestamptz", "name": "name text"},
    filters={
        "name": "strpos(lower(name), {}) > 0",
        "active": "active = {}",
        "customer_id": "owner_user_id = {}::uuid",
        "created_after": "created_at >= {}::timestamptz",
        "created_before": "created_at < {}::timestamptz",
    },
)

# The name weighs more than the description, a beginning more than a middle.
FOUND = Listing(
    select="select * from ( select found.*, case strpos(lower(name), $4) when 0 then 1.2 when 1 then 3 else 1.5 end::float8 as match_score,"
    " case strpos(lower(name), $4) when 0 then 'description' else 'name' end as match_field from ("
    + MINE
    + ") found where strpos(lower(name), $4) > 0 or strpos(lower(description), $4) > 0 ) found where true",
    sorts={"relevance": "match_score float8"},
)

LOCK = """
select tenant_id::text, id::text, version, name, description, is_default, active, timezone, country, language, session_timeout_minutes,
    business_hours, agent_assignment, configuration, default_pipeline_id::text, owner_user_id::text
from projects where tenant_id = $1 and id = $2 and deleted_at is null for no key update
"""

SHOWN = "select p.*, p.owner_user_id as customer_id from projects p where p.tenant_id = $1 and p.id = $2 and p.deleted_at is null"

# Whoever makes one waits for whoever makes another: they are counted.
LOCK_TENANT = "select timezone, country, language from tenants where tenant_id = $1 and id = $1 for no key update"

COUNT = "select count(*) from projects where tenant_id = $1 and deleted_at is null"

ADD = """
insert into projects (tenant_id, id, name, description, is_default, active, timezone, country, language, session_timeout_minutes,
    business_hours, agent_assignment, configuration, default_pipeline_id, owner_user_id)
values ($1, $2, $3, $4, false, true, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11::jsonb, $12, $13)
"""

KEEP = """
update projects set name = $3, description = $4, active = $5, timezone = $6, country = $7, language = $8, session_timeout_minutes = $9,
    business_hours = $10::jsonb, agent_assignment = $11::jsonb, configuration = $12::jsonb, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2
"""

DELETE = """
update projects set deleted_at = $3, active = false, version = version + 1, updated_at = now() where tenant_id = $1 and id = $2
"""

WORKING = """
select count(*) from known_channels where tenant_id = $1 and project_id = $2 and works and not deleted
"""

# The newest version wins; a deleted channel stays deleted whatever comes late.
KEEP_CHANNELS = """
insert into known_channels (tenant_id, id, project_id, version, works)
select distinct on (tenant_id, id) tenant_id, id, project_id, version, works
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::boolean[]) as c (tenant_id, id, project_id, version, works)
order by tenant_id, id, version desc
on conflict (tenant_id, id) do update set version = excluded.version, works = excluded.works
    where known_channels.version < excluded.version
"""

DROP_CHANNELS = """
insert into known_channels (tenant_id, id, project_id, version, works, deleted)
select distinct tenant_id, id, project_id, 0, false, true
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as c (tenant_id, id, project_id)
order by tenant_id, id
on conflict (tenant_id, id) do update set deleted = true
"""


class ProjectsInPostgres:
    """The tables of projects and of channels that work in them, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def tenant_defaults(self, tenant_id: str) -> Mapping[str, str]:
        """Return timezone, country and language of a tenant; nobody else makes a project of it until the end of the transaction."""
        row = await self._connection.fetchrow(LOCK_TENANT, tenant_id)
        assert row is not None
        return dict(row)

    async def count(self, tenant_id: str) -> int:
        """Return how many projects a tenant has."""
        count: int = await self._connection.fetchval(COUNT, tenant_id)
        return count

    async def shown(self, tenant_id: str, project_id: str) -> asyncpg.Record:
        """Return a project's row; raise not_found."""
        row = await self._connection.fetchrow(SHOWN, tenant_id, project_id)
        if row is None:
            raise DomainError("not_found", "there is no such project")
        return row

    async def lock(self, tenant_id: str, project_id: str) -> Project:
        """Return a project, locked until the end of the transaction as for its members; raise not_found."""
        row = await self._connection.fetchrow(LOCK, tenant_id, project_id)
        if row is None:
            raise DomainError("not_found", "there is no such project")
        return Project(**{**row, **{name: json.loads(row[name]) for name in OBJECTS}})

    async def add(self, project: Project) -> None:
        """Store a new project."""
        one = project
        await self._connection.execute(
            ADD,
            one.tenant_id,
            one.id,
            one.name,
            one.description,
            one.timezone,
            one.country,
            one.language,
            one.session_timeout_minutes,
            *(json.dumps(getattr(one, name)) for name in OBJECTS),
            one.default_pipeline_id,
            one.owner_user_id,
        )

    async def keep(self, project: Project) -> None:
        """Store what a project is now, as its next version."""
        one = project
        await self._connection.execute(
            KEEP,
            one.tenant_id,
            one.id,
            one.name,
            one.description,
            one.active,
            one.timezone,
            one.country,
            one.language,
            one.session_timeout_minutes,
            *(json.dumps(getattr(one, name)) for name in OBJECTS),
        )

    async def delete(self, tenant_id: str, project_id: str, now: datetime) -> None:
        """Delete a project; its row stays for what others have of it."""
        await self._connection.execute(DELETE, tenant_id, project_id, now)

    async def working_channels(self, tenant_id: str, project_id: str) -> int:
        """Return how many channels work in a project, as far as we heard."""
        count: int = await self._connection.fetchval(WORKING, tenant_id, project_id)
        return count

    async def keep_channels(self, channels: Sequence[KnownChannel]) -> None:
        """Store whether channels work, unless something newer is known."""
        await self._connection.execute(
            KEEP_CHANNELS,
            [each.tenant_id for each in channels],
            [each.id for each in channels],
            [each.project_id for each in channels],
            [each.version for each in channels],
            [each.works for each in channels],
        )

    async def drop_channels(self, channels: Sequence[KnownChannel]) -> None:
        """Note that channels are gone."""
        await self._connection.execute(
            DROP_CHANNELS,
            [each.tenant_id for each in channels],
            [each.id for each in channels],
            [each.project_id for each in channels],
        )
