"""Pipelines with their statuses in Postgres."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from kernel.errors import DomainError
from postgres.database import Connection

from pipeline_automation.application.work import Project
from pipeline_automation.domain.pipeline import Pipeline, Status, name_key

_OWN = """p.tenant_id::text, p.project_id::text, p.id::text, p.name, p.description, p.color, p.position, p.active, p.is_default,
    p.session_timeout_minutes, p.enable_ai_summary, p.version"""

# Nobody else counts positions of these projects meanwhile, whether they have pipelines already or not.
ARRANGING = """
select pg_advisory_xact_lock(key) from (
    select distinct hashtextextended('pipelines of ' || tenant_id || ' ' || project_id, 0) as key
    from unnest($1::text[], $2::text[]) as w (tenant_id, project_id) order by key
) keys
"""
OF_PROJECTS = (
    "select "
    + _OWN
    + """
from (select distinct tenant_id, project_id from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, project_id)) w
join pipelines p on p.tenant_id = w.tenant_id and p.project_id = w.project_id and p.deleted_at is null
order by p.tenant_id, p.project_id, p.position
"""
)

PROJECT = "select project_id::text from pipelines where tenant_id = $1 and id = $2 and deleted_at is null"

GET = "select " + _OWN + " from pipelines p where p.tenant_id = $1 and p.id = $2 and p.deleted_at is null for update"

STATUSES = """
select s.pipeline_id::text, s.id::text, s.name, s.description, s.color, s.status_type, s.position, s.active, s.version
from statuses s where s.tenant_id = any($1::uuid[]) and s.pipeline_id = any($2::uuid[]) and s.deleted_at is null
order by s.pipeline_id, s.position
"""

ADD = """
insert into pipelines (tenant_id, id, project_id, name, name_key, description, color, position, active, is_default,
    session_timeout_minutes, enable_ai_summary)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::boolean[],
    $10::boolean[], $11::int[], $12::boolean[])
"""

ADDED = (
    "tenant_id",
    "id",
    "project_id",
    "name",
    "name_key",
    "description",
    "color",
    "position",
    "active",
    "is_default",
    "session_timeout_minutes",
    "enable_ai_summary",
)
"""The columns of ADD."""

# Its own fields and those of its statuses are one thing to whoever reads it: any change is a new version.
CHANGE = """
update pipelines set name = $3, name_key = $4, description = $5, color = $6, position = $7, active = $8,
    session_timeout_minutes = $9, enable_ai_summary = $10, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2
returning version
"""

KEEP_STATUSES = """
insert into statuses (tenant_id, id, project_id, pipeline_id, name, name_key, description, color, status_type, position, active)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::int[], $11::boolean[])
on conflict (tenant_id, id) do update set name = excluded.name, name_key = excluded.name_key, description = excluded.description,
    color = excluded.color, status_type = excluded.status_type, position = excluded.position, active = excluded.active,
    version = statuses.version + 1, updated_at = now()
"""

REMOVE_STATUSES = """
update statuses set deleted_at = now(), version = version + 1, updated_at = now()
where tenant_id = $1 and id = any($2::uuid[]) and deleted_at is null
"""

REPOSITION = """
update pipelines p set position = n.position, version = p.version + 1, updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::int[]) as n (tenant_id, id, position)
where p.tenant_id = n.tenant_id and p.id = n.id
"""

REMOVE = """
update pipelines set deleted_at = now(), version = version + 1, updated_at = now() where tenant_id = $1 and id = $2 returning version
"""


class PipelinesInPostgres:
    """Pipelines, for whoever changes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def arranging(self, projects: Collection[Project]) -> Mapping[Project, list[Pipeline]]:
        """Return the pipelines of projects in order, without statuses; nobody else arranges them meanwhile."""
        keys = [tenant for tenant, _ in projects], [project for _, project in projects]
        await self._connection.execute(ARRANGING, *keys)
        arranged: dict[Project, list[Pipeline]] = {key: [] for key in projects}
        for row in await self._connection.fetch(OF_PROJECTS, *keys):
            arranged[row["tenant_id"], row["project_id"]].append(Pipeline(**row))
        return arranged

    async def neighbours(self, tenant_id: str, pipeline_id: str) -> list[Pipeline]:
        """Return the pipelines of a pipeline's project, itself included, as arranging does; raise not_found."""
        project_id = await self._connection.fetchval(PROJECT, tenant_id, pipeline_id)
        if project_id is None:
            raise DomainError("not_found", "there is no such pipeline")
        return (await self.arranging([(tenant_id, project_id)]))[tenant_id, project_id]

    async def get(self, tenant_id: str, pipeline_id: str) -> Pipeline:
        """Return a pipeline with its statuses, locked until the end of the transaction; raise not_found."""
        row = await self._connection.fetchrow(GET, tenant_id, pipeline_id)
        if row is None:
            raise DomainError("not_found", "there is no such pipeline")
        return (await self._with_statuses([dict(row)]))[0]

    async def add(self, pipelines: Sequence[Pipeline]) -> None:
        """Store new pipelines with their statuses."""
        rows = [{**_own(each), "name_key": name_key(each.name)} for each in pipelines]
        await self._connection.execute(ADD, *([row[column] for row in rows] for column in ADDED))
        await self._keep_statuses([(each, status) for each in pipelines for status in each.statuses])

    async def save(self, before: Pipeline, after: Pipeline) -> Pipeline:
        """Store what differs, statuses too; return the pipeline with its new versions."""
        version = await self._connection.fetchval(
            CHANGE,
            after.tenant_id,
            after.id,
            after.name,
            name_key(after.name),
            after.description,
            after.color,
            after.position,
            after.active,
            after.session_timeout_minutes,
            after.enable_ai_summary,
        )
        present = {status.id: status for status in before.statuses}
        kept = [status for status in after.statuses if status != present.pop(status.id, None)]
        if present:
            await self._connection.execute(REMOVE_STATUSES, after.tenant_id, [*present])
        if kept:
            await self._keep_statuses([(after, status) for status in kept])
        return (await self._with_statuses([{**_own(after), "version": version}]))[0]

    async def reposition(self, pipelines: Sequence[Pipeline]) -> list[Pipeline]:
        """Store positions; return the pipelines with statuses and new versions."""
        keys = [each.tenant_id for each in pipelines], [each.id for each in pipelines]
        await self._connection.execute(REPOSITION, *keys, [each.position for each in pipelines])
        rows = [{**_own(each), "version": each.version + 1} for each in pipelines]
        return await self._with_statuses(rows)

    async def remove(self, pipeline: Pipeline) -> int:
        """Delete a pipeline; return its version, which is its last."""
        version: int = await self._connection.fetchval(REMOVE, pipeline.tenant_id, pipeline.id)
        return version

    async def _keep_statuses(self, statuses: Sequence[tuple[Pipeline, Status]]) -> None:
        await self._connection.execute(
            KEEP_STATUSES,
            [pipeline.tenant_id for pipeline, _ in statuses],
            [status.id for _, status in statuses],
            [pipeline.project_id for pipeline, _ in statuses],
            [pipeline.id for pipeline, _ in statuses],
            [status.name for _, status in statuses],
            [name_key(status.name) for _, status in statuses],
            [status.description for _, status in statuses],
            [status.color for _, status in statuses],
            [status.status_type for _, status in statuses],
            [status.position for _, status in statuses],
            [status.active for _, status in statuses],
        )

    async def _with_statuses(self, rows: Sequence[Mapping[str, Any]]) -> list[Pipeline]:
        tenants = [row["tenant_id"] for row in rows]
        found: dict[str, list[Status]] = {row["id"]: [] for row in rows}
        for row in await self._connection.fetch(STATUSES, tenants, list(found)):
            facts = dict(row)
            found[facts.pop("pipeline_id")].append(Status(**facts))
        return [Pipeline(**{**row, "statuses": tuple(found[row["id"]])}) for row in rows]


def _own(pipeline: Pipeline) -> dict[str, Any]:
    """Return a pipeline's own fields, without its statuses."""
    return {each.name: getattr(pipeline, each.name) for each in fields(pipeline) if each.name != "statuses"}
