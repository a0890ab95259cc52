"""Projects and channels as we know them, in Postgres."""

from collections.abc import Sequence

from postgres.database import Connection

from pipeline_automation.application.work import Contact
from pipeline_automation.domain.surroundings import KnownChannel, KnownProject, Resting

PROJECTS_BEGIN = """
insert into projects (tenant_id, id, version, name, language, timezone, default_pipeline_id)
select tenant_id, id, version, name, language, timezone, default_pipeline_id
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::uuid[])
    as p (tenant_id, id, version, name, language, timezone, default_pipeline_id)
order by tenant_id, id
on conflict (tenant_id, id) do nothing
returning tenant_id::text, id::text
"""

# Several of one project may be in a batch: the newest wins, here and against what is known.
KEEP_PROJECTS = """
update projects set version = p.version, name = p.name, language = p.language, timezone = p.timezone, updated_at = now()
from (
    select distinct on (tenant_id, id) tenant_id, id, version, name, language, timezone
    from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[])
        as n (tenant_id, id, version, name, language, timezone)
    order by tenant_id, id, version desc
) p
where projects.tenant_id = p.tenant_id and projects.id = p.id and projects.version < p.version
"""

# A project that is not known yet has no rules either.
KEEP_RESTING = """
update projects set rests = r.rests, rests_version = r.version, updated_at = now()
from (
    select distinct on (tenant_id, id) tenant_id, id, rests, version
    from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::int[]) as n (tenant_id, id, rests, version)
    order by tenant_id, id, version desc
) r
where projects.tenant_id = r.tenant_id and projects.id = r.id and projects.rests_version < r.version
"""

LANGUAGE = "select language from projects where tenant_id = $1 and id = $2"

# Created and updated travel apart: the newest snapshot wins, and a deleted channel stays deleted whatever comes late.
KEEP_CHANNELS = """
insert into channels (tenant_id, id, project_id, version, name, type, pipeline_id)
select distinct on (tenant_id, id) tenant_id, id, project_id, version, name, type, pipeline_id
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::uuid[])
    as c (tenant_id, id, project_id, version, name, type, pipeline_id)
order by tenant_id, id, version desc
on conflict (tenant_id, id) do update set version = excluded.version, name = excluded.name, type = excluded.type,
    pipeline_id = excluded.pipeline_id, updated_at = now()
    where channels.version < excluded.version
"""

DROP_CHANNELS = """
insert into channels (tenant_id, id, project_id, version, deleted)
select distinct tenant_id, id, project_id, 0, true
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as c (tenant_id, project_id, id)
order by tenant_id, id
on conflict (tenant_id, id) do update set deleted = true, updated_at = now()
"""

USERS = "select count(*) from channels where tenant_id = $1 and pipeline_id = $2 and not deleted and $3::uuid is null"


class SurroundingsInPostgres:
    """The projections of projects and channels. Channels use pipelines: those whom they bring begin there."""

    used_by = "channels"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def projects_begin(self, projects: Sequence[KnownProject]) -> list[KnownProject]:
        """Store projects; return those that were not known."""
        rows = await self._connection.fetch(
            PROJECTS_BEGIN,
            [each.tenant_id for each in projects],
            [each.id for each in projects],
            [each.version for each in projects],
            [each.name for each in projects],
            [each.language for each in projects],
            [each.timezone for each in projects],
            [each.default_pipeline_id for each in projects],
        )
        fresh = {(row["tenant_id"], row["id"]) for row in rows}
        return [each for each in projects if each.key in fresh]

    async def keep_projects(self, projects: Sequence[KnownProject]) -> None:
        """Store projects that are known as they are now, unless something newer is known."""
        await self._connection.execute(
            KEEP_PROJECTS,
            [each.tenant_id for each in projects],
            [each.id for each in projects],
            [each.version for each in projects],
            [each.name for each in projects],
            [each.language for each in projects],
            [each.timezone for each in projects],
        )

    async def keep_resting(self, projects: Sequence[Resting]) -> None:
        """Store whether projects rest, unless something newer is known."""
        await self._connection.execute(
            KEEP_RESTING,
            [each.tenant_id for each in projects],
            [each.id for each in projects],
            [each.rests for each in projects],
            [each.version for each in projects],
        )

    async def language_of(self, tenant_id: str, project_id: str) -> str | None:
        """Return the language of a project, None for one that we have not heard of."""
        language: str | None = await self._connection.fetchval(LANGUAGE, tenant_id, project_id)
        return language

    async def keep_channels(self, channels: Sequence[KnownChannel]) -> None:
        """Store channels as they are, unless something newer is known."""
        await self._connection.execute(
            KEEP_CHANNELS,
            [each.tenant_id for each in channels],
            [each.id for each in channels],
            [each.project_id for each in channels],
            [each.version for each in channels],
            [each.name for each in channels],
            [each.type for each in channels],
            [each.pipeline_id for each in channels],
        )

    async def drop_channels(self, channels: Sequence[Contact]) -> None:
        """Note that channels (tenant, project, channel) were deleted."""
        await self._connection.execute(DROP_CHANNELS, *map(list, zip(*channels, strict=True)))

    async def users_of(self, tenant_id: str, pipeline_id: str, status_id: str | None) -> int:
        """Return how many channels bring people to a pipeline; a single status means nothing to them."""
        count: int = await self._connection.fetchval(USERS, tenant_id, pipeline_id, status_id)
        return count
