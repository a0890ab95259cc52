"""Agents in Postgres, and the system's own among them, which are in no table."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import asyncpg
from kernel.errors import DomainError
from postgres.database import Connection
from postgres.listing import Listing

from identity.domain.agent import Agent, Represented
from identity.domain.system_agents import AS_COLUMNS

# $3 and $4 are the system agents as columns. Whoever stands for the past, and the system itself, is neither there nor away. Who never
# did anything comes first, or last backwards.
EVERY_AGENT = """
select * from (
    select a.tenant_id, a.id, a.project_id, a.version, a.created_at, a.updated_at, a.deleted_at, a.name, a.email, a.user_id, a.type,
        a.role, case when a.type <> 'virtual' then a.status end as status, a.active, false as system, a.phone, a.department, a.skills,
        a.languages, a.max_sessions, a.permissions, a.settings, a.config, a.virtual, a.last_activity_at, u.last_login_at,
        coalesce(a.last_activity_at, timestamptz '0001-01-01 00:00:00Z') as listed_at
    from agents a
    left join users u on u.tenant_id = a.tenant_id and u.id = a.user_id
    where a.tenant_id = $1 and a.project_id = $2
    union all
    select $1, s.id, null, 1, timestamptz '2026-01-01 00:00:00Z', timestamptz '2026-01-01 00:00:00Z', null, s.name, null, null, 'system',
        'workflow_bot', null, true, true, null, null, '{}', '{}', 0, '{}', '{}', '{}', null, null, null,
        timestamptz '0001-01-01 00:00:00Z'
    from unnest($3::uuid[], $4::text[]) as s (id, name)
) agents where true
"""

LIVE = "deleted_at is null"

AGENTS = Listing(
    select=EVERY_AGENT,
    sorts={"name": "name text", "created_at": "created_at timestamptz", "last_activity_at": "listed_at timestamptz"},
    filters={
        "type": "type = any ({}::text[])",
        "status": "status = any ({}::text[])",
        "active": "active = {}",
        "role": "role = any ({}::text[])",
        "skill": "skills && {}::text[]",
        "language": "languages && {}::text[]",
    },
    live=LIVE,
)

# The name weighs more than the address, a beginning more than a middle.
FOUND_AGENTS = Listing(
    select="select * from ( select found.*, case strpos(lower(name), $5) when 0 then 1.3 when 1 then 3 else 1.5 end::float8 as match_score,"
    " case strpos(lower(name), $5) when 0 then 'email' else 'name' end as match_field from ("
    + f"{EVERY_AGENT} and {LIVE}"
    + ") found where strpos(lower(name), $5) > 0 or strpos(email, $5) > 0 order by match_score desc, id desc limit 1000 ) found where true",
    sorts={"relevance": "match_score float8"},
)

SHOWN = f"{EVERY_AGENT} and {LIVE} and id = $5"

LOCK = """
select tenant_id::text, id::text, project_id::text, version, type, name, role, user_id::text, email, phone, department, skills, languages,
    max_sessions, status, active, permissions, settings, config, virtual
from agents where tenant_id = $1 and project_id = $2 and id = $3 and deleted_at is null for no key update
"""

ADD = """
insert into agents (tenant_id, project_id, id, type, name, role, user_id, email, phone, department, skills, languages, max_sessions,
    status, active, permissions, settings, config, virtual)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::jsonb, $18::jsonb, $19::jsonb)
"""

KEEP = """
update agents set name = $5, role = $6, user_id = $7, email = $8, phone = $9, department = $10, skills = $11, languages = $12,
    max_sessions = $13, status = $14, active = $15, permissions = $16, settings = $17::jsonb, config = $18::jsonb, virtual = $19::jsonb,
    version = version + 1, updated_at = now()
where tenant_id = $1 and project_id = $2 and id = $3 and type = $4
"""

KEEP_STATUS = """
update agents set status = $3, last_activity_at = $4, version = version + 1, updated_at = now() where tenant_id = $1 and id = $2
"""

DELETE = """
update agents set deleted_at = $3, active = false, status = 'offline', version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2
"""

ASSIGNABLE = """
select id::text from agents
where tenant_id = $1 and project_id = $2 and id = any($3::uuid[]) and type in ('human', 'ai', 'bot') and deleted_at is null
"""


class AgentsInPostgres:
    """The table of agents, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def shown(self, tenant_id: str, project_id: str, agent_id: str) -> asyncpg.Record:
        """Return an agent's row, also of a system one; raise not_found."""
        row = await self._connection.fetchrow(SHOWN, tenant_id, project_id, *AS_COLUMNS, agent_id)
        if row is None:
            raise DomainError("not_found", "there is no such agent")
        return row

    async def lock(self, tenant_id: str, project_id: str, agent_id: str) -> Agent:
        """Return an agent, locked until the end of the transaction; raise not_found."""
        row = await self._connection.fetchrow(LOCK, tenant_id, project_id, agent_id)
        if row is None:
            raise DomainError("not_found", "there is no such agent")
        return _agent(row)

    async def add(self, agent: Agent) -> None:
        """Store a new agent; raise already_exists where its person has one in the project."""
        await self._write(ADD, agent)

    async def keep(self, agent: Agent) -> None:
        """Store what an agent is now, as its next version; raise already_exists where its person has another in the project."""
        await self._write(KEEP, agent)

    async def keep_status(self, agent: Agent, now: datetime) -> None:
        """Store an agent's status, as its next version, and when it came."""
        await self._connection.execute(KEEP_STATUS, agent.tenant_id, agent.id, agent.status, now)

    async def delete(self, agent: Agent, now: datetime) -> None:
        """Delete an agent; its row stays for what others have of it."""
        await self._connection.execute(DELETE, agent.tenant_id, agent.id, now)

    async def assignable(self, tenant_id: str, project_id: str, agents: Collection[str]) -> Collection[str]:
        """Return which of these are agents of a project that conversations may be given to, active or not."""
        rows = await self._connection.fetch(ASSIGNABLE, tenant_id, project_id, list(agents))
        return {row["id"] for row in rows}

    async def _write(self, statement: str, one: Agent) -> None:
        try:
            await self._connection.execute(
                statement,
                one.tenant_id,
                one.project_id,
                one.id,
                one.type,
                one.name,
                one.role,
                one.user_id,
                one.email,
                one.phone,
                one.department,
                list(one.skills),
                list(one.languages),
                one.max_sessions,
                one.status,
                one.active,
                sorted(one.permissions),
                json.dumps(one.settings),
                json.dumps(one.config),
                None if one.virtual is None else json.dumps(asdict(one.virtual), default=datetime.isoformat),
            )
        except asyncpg.UniqueViolationError as error:
            raise DomainError("already_exists", "that person is an agent of the project already") from error


def _agent(row: Mapping[str, Any]) -> Agent:
    virtual = None if row["virtual"] is None else json.loads(row["virtual"])
    return Agent(
        **{
            **row,
            "permissions": frozenset(row["permissions"]),
            "settings": json.loads(row["settings"]),
            "config": json.loads(row["config"]),
            "virtual": None if virtual is None else _represented(virtual),
        }
    )


def _represented(kept: Mapping[str, Any]) -> Represented:
    end = kept["period_end"]
    return Represented(
        **{
            **kept,
            "period_start": datetime.fromisoformat(kept["period_start"]),
            "period_end": None if end is None else datetime.fromisoformat(end),
        }
    )
