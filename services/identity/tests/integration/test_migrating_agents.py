"""Agents that there were before anybody could change them, in two tenants, after the migration that lets people."""

import asyncio

import asyncpg
from kernel.ids import new_id
from postgres.migrating import downgrade, upgrade
from testkit.plugin import DatabaseOf

BEFORE = """
insert into identity.tenants (tenant_id, id, name, slug, country, timezone, language)
values ($1::uuid, $1, 'x', 'x-' || right($1::text, 12), 'BR', 'UTC', 'en')
"""
USER = "insert into identity.users (tenant_id, id, name, email, password_hash) values ($1, $2, 'x', $2::uuid || '@example.com', 'x')"
PROJECT = """
insert into identity.projects (tenant_id, id, name, timezone, country, language, session_timeout_minutes, default_pipeline_id,
    owner_user_id)
values ($1, $2, 'x', 'UTC', 'BR', 'en', 30, $2, $2)
"""
AGENT = (
    "insert into identity.agents (tenant_id, id, project_id, name, type, user_id) values ($1, $2, $2, 'x', 'human', $2)"
)
GIVEN = ["access_analytics", "manage_agents", "manage_automations", "send_messages"]


async def test_agents_of_every_tenant_keep_what_their_role_lets_them_do(database_of: DatabaseOf) -> None:
    database = await database_of("identity", "identity")
    await asyncio.to_thread(downgrade, "identity", database.schema, database.owner_dsn, "0008")
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        for tenant_id, own_id in ((new_id(), new_id()), (new_id(), new_id())):
            await connection.execute(BEFORE, tenant_id)
            for statement in (USER, PROJECT, AGENT):
                await connection.execute(statement, tenant_id, own_id)

        await asyncio.to_thread(upgrade, "identity", database.schema, database.owner_dsn)

        rows = await connection.fetch("select permissions, version from identity.agents")
        assert [(sorted(row["permissions"]), row["version"]) for row in rows] == [(GIVEN, 1)] * 2
        forced = "select relforcerowsecurity from pg_class where oid = 'identity.agents'::regclass"
        assert await connection.fetchval(forced) is True
        await connection.execute("update identity.agents set deleted_at = now(), active = false")
        await asyncio.to_thread(downgrade, "identity", database.schema, database.owner_dsn, "0008")
        assert await connection.fetchval("select count(*) from identity.agents") == 0
    finally:
        await connection.close()
