"""Automation rules in Postgres."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from kernel.errors import DomainError
from kernel.ids import NewId
from postgres.database import Connection
from postgres.listing import Listing

from pipeline_automation.adapters.rule_rows import rule_values, stored_rule
from pipeline_automation.application.rule_book import Project, RuleSet
from pipeline_automation.domain.rule import StoredRule

# The rules come along only where their revision is not the one that the asker remembers. Those of projects that rest do not run.
SETS = """
select s.tenant_id::text, s.project_id::text, s.revision::text, p.name, p.timezone,
    case when s.revision is distinct from k.revision then (
        select coalesce(jsonb_agg(to_jsonb(r)), '[]')::text from automation_rules r
        where r.tenant_id = s.tenant_id and r.project_id = s.project_id and r.deleted_at is null and r.enabled
    ) end as rules
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as k (tenant_id, project_id, revision)
join rule_sets s on s.tenant_id = k.tenant_id and s.project_id = k.project_id
left join projects p on p.tenant_id = s.tenant_id and p.id = s.project_id
where p.rests is not true
"""

_COLUMNS = """r.tenant_id, r.id, r.project_id, r.version, r.created_at, r.updated_at, r.deleted_at, r.revision, r.automation_type,
    r.pipeline_id, r.name, r.name_key, r.description, r.trigger, r.trigger_filter, r.conditions, r.expression, r.actions, r.priority,
    r.enabled, r.on_error, r.max_event_age_minutes, r.max_count, r.max_hours, r.transactional, r.disabled_reason"""
_LAST = """(select e.created_at from rule_executions e
    where e.tenant_id = r.tenant_id and e.rule_id = r.id and e.state <> 'skipped' order by e.created_at desc limit 1)"""

RULES = Listing(
    select="select * from (select " + _COLUMNS + ", " + _LAST + " as last_executed_at,"
    " coalesce(" + _LAST + ", '1970-01-01 00:00:00+00') as executed_sort"
    " from automation_rules r where r.tenant_id = $1 and r.project_id = $2) r where true",
    sorts={
        "priority": "priority int, created_at timestamptz",
        "created_at": "created_at timestamptz",
        "name": "name_key text",
        "last_executed_at": "executed_sort timestamptz",
    },
    filters={
        "automation_type": "automation_type = any({}::text[])",
        "pipeline_id": "pipeline_id = {}::uuid",
        "trigger": "trigger = any({}::text[])",
        "enabled": "enabled = {}",
        "name": "position({} in name_key) > 0",
    },
    live="deleted_at is null",
)

GET = "select " + _COLUMNS + ", " + _LAST + " as last_executed_at from automation_rules r"
GET += " where r.tenant_id = $1 and r.id = $2 and r.deleted_at is null"
LOCKED = GET + " for update of r"
IN_PROJECT = (
    "select "
    + _COLUMNS
    + " from automation_rules r where r.tenant_id = $1 and r.project_id = $2 and r.deleted_at is null"
)
IN_PROJECT += " order by r.id for update of r"

ADD = """
insert into automation_rules (tenant_id, id, project_id, version, revision, created_at, updated_at, automation_type, pipeline_id,
    name, name_key, description, trigger, trigger_filter, conditions, expression, actions, priority, enabled, on_error,
    max_event_age_minutes, max_count, max_hours, transactional)
values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
"""

SAVE = """
update automation_rules set version = $3, revision = $4, automation_type = $5, pipeline_id = $6, name = $7, name_key = $8,
    description = $9, trigger = $10, trigger_filter = $11, conditions = $12, expression = $13, actions = $14, priority = $15,
    enabled = $16, on_error = $17, max_event_age_minutes = $18, max_count = $19, max_hours = $20, transactional = $21,
    disabled_reason = null, updated_at = $22
where tenant_id = $1 and id = $2
"""

REMOVE = """
update automation_rules set deleted_at = now(), enabled = false, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2
"""

REORDER = """
update automation_rules r set priority = n.priority, version = r.version + 1, revision = r.revision + 1, updated_at = now()
from unnest($2::uuid[], $3::int[]) as n (id, priority)
where r.tenant_id = $1 and r.id = n.id and r.priority <> n.priority
returning r.*
"""

DISABLE = """
update automation_rules r set enabled = false, disabled_reason = $3, version = r.version + 1, updated_at = now()
from (
    select r.tenant_id, r.id from unnest($1::uuid[], $2::uuid[]) as d (tenant_id, id)
    join automation_rules r on r.tenant_id = d.tenant_id and r.id = d.id and r.enabled
    order by r.tenant_id, r.id for update of r
) d
where r.tenant_id = d.tenant_id and r.id = d.id
returning r.*
"""

TOUCH = """
insert into rule_sets (tenant_id, project_id, revision)
select tenant_id, project_id, revision from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t (tenant_id, project_id, revision)
order by tenant_id, project_id
on conflict (tenant_id, project_id) do update set revision = excluded.revision
"""

# Channels that we have not heard of yet are not there for us either.
EXISTING = """
select 'pipelines' as kind, id::text, null as pipeline_id from pipelines
where tenant_id = $1 and project_id = $2 and id = any($3::uuid[]) and deleted_at is null
union all
select 'statuses', s.id::text, s.pipeline_id::text from statuses s
join pipelines p on p.tenant_id = s.tenant_id and p.id = s.pipeline_id and p.deleted_at is null
where s.tenant_id = $1 and s.project_id = $2 and s.id = any($4::uuid[]) and s.deleted_at is null
union all
select 'channels', id::text, null from channels
where tenant_id = $1 and project_id = $2 and id = any($5::uuid[]) and not deleted
"""

# What a rule names: its pipeline, and ids in its filter, its conditions and its actions. Ids are unlike anything else, so looking for
# their text finds just those.
USERS = """
select count(*) from automation_rules
where tenant_id = $1 and deleted_at is null and (
    ($3::text is null and pipeline_id = $2::text::uuid)
    or position(coalesce($3::text, $2::text)
        in trigger_filter::text || conditions::text || coalesce(expression, '') || actions::text) > 0
)
"""


class RulesInPostgres:
    """Rules, for people and for the line."""

    used_by = "rules"

    def __init__(self, connection: Connection, new_id: NewId) -> None:
        self._connection = connection
        self._new_id = new_id

    async def sets(self, known: Mapping[Project, str | None]) -> list[RuleSet]:
        """Return the rule sets of projects, in one statement; `known` are the revisions that are remembered."""
        rows = await self._connection.fetch(
            SETS, [tenant for tenant, _ in known], [project for _, project in known], list(known.values())
        )
        return [
            RuleSet(
                project=(row["tenant_id"], row["project_id"]),
                revision=row["revision"],
                name=row["name"],
                zone=row["timezone"],
                rules=None if row["rules"] is None else [stored_rule(each) for each in json.loads(row["rules"])],
            )
            for row in rows
        ]

    async def row(self, tenant_id: str, rule_id: str) -> Any:
        """Return the row of a rule as people see it; raise not_found."""
        row = await self._connection.fetchrow(GET, tenant_id, rule_id)
        if row is None:
            raise DomainError("not_found", "there is no such rule")
        return row

    async def read(self, tenant_id: str, rule_id: str) -> StoredRule:
        """Return a rule as it is; raise not_found."""
        return stored_rule(await self.row(tenant_id, rule_id))

    async def get(self, tenant_id: str, rule_id: str) -> StoredRule:
        """Return a rule, locked until the end of the transaction; raise not_found."""
        row = await self._connection.fetchrow(LOCKED, tenant_id, rule_id)
        if row is None:
            raise DomainError("not_found", "there is no such rule")
        return stored_rule(row)

    async def in_project(self, tenant_id: str, project_id: str) -> list[StoredRule]:
        """Return all rules of a project in their order, locked until the end of the transaction."""
        rows = await self._connection.fetch(IN_PROJECT, tenant_id, project_id)
        return sorted((stored_rule(row) for row in rows), key=lambda rule: rule.order)

    async def add(self, rule: StoredRule) -> None:
        """Store a new rule."""
        places = (rule.tenant_id, rule.id, rule.project_id, rule.version, rule.revision, rule.created_at)
        await self._connection.execute(ADD, *places, *rule_values(rule.rule))

    async def save(self, rule: StoredRule, now: datetime) -> None:
        """Store a changed rule."""
        places = (rule.tenant_id, rule.id, rule.version, rule.revision)
        await self._connection.execute(SAVE, *places, *rule_values(rule.rule), now)

    async def remove(self, rule: StoredRule) -> None:
        """Delete a rule softly."""
        await self._connection.execute(REMOVE, rule.tenant_id, rule.id)

    async def reorder(self, tenant_id: str, priorities: Mapping[str, int]) -> list[StoredRule]:
        """Give rules other priorities; return those that changed."""
        rows = await self._connection.fetch(REORDER, tenant_id, list(priorities), list(priorities.values()))
        return [stored_rule(row) for row in rows]

    async def disable(self, rules: Collection[tuple[str, str]], reason: str) -> list[StoredRule]:
        """Disable rules (tenant, rule); return those that were enabled."""
        rows = await self._connection.fetch(
            DISABLE, [tenant for tenant, _ in rules], [rule for _, rule in rules], reason
        )
        return [stored_rule(row) for row in rows]

    async def touch(self, projects: Collection[Project]) -> None:
        """Note that the rules of projects changed: they get another revision."""
        if projects:
            await self._connection.execute(
                TOUCH,
                [tenant for tenant, _ in projects],
                [project for _, project in projects],
                [self._new_id() for _ in projects],
            )

    async def existing(
        self,
        tenant_id: str,
        project_id: str,
        *,
        pipelines: Collection[str],
        statuses: Collection[str],
        channels: Collection[str],
    ) -> Mapping[tuple[str, str], str | None]:
        """Return which of these exist in the project, by kind and id; with statuses the pipeline that they belong to."""
        rows = await self._connection.fetch(
            EXISTING, tenant_id, project_id, list(pipelines), list(statuses), list(channels)
        )
        return {(row["kind"], row["id"]): row["pipeline_id"] for row in rows}

    async def users_of(self, tenant_id: str, pipeline_id: str, status_id: str | None) -> int:
        """Return how many rules name the pipeline, or, where `status_id` is given, that status of it."""
        count: int = await self._connection.fetchval(USERS, tenant_id, pipeline_id, status_id)
        return count
