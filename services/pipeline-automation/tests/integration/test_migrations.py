"""The schema goes up, down and up again, and stands behind the wall."""

import asyncio

import asyncpg
from postgres.migrating import downgrade, upgrade
from testkit.plugin import EmptyDatabaseOf

UNWALLED = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'pipeline_automation' and c.relkind in ('r', 'p') and c.relname <> 'migrations'
    and not (c.relrowsecurity and c.relforcerowsecurity)
"""
UNTENANTED = """
select i.relname from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
join pg_namespace n on n.oid = t.relnamespace
join pg_attribute a on a.attrelid = x.indexrelid and a.attnum = 1
where n.nspname = 'pipeline_automation' and x.indisunique and a.attname <> 'tenant_id' and t.relname !~ '^(outbox|inbox)_'
    and t.relname not in ('migrations', 'parked_events')
"""
LEFT = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'pipeline_automation'"


async def test_the_schema_goes_up_down_and_up_again(empty_database_of: EmptyDatabaseOf) -> None:
    found = await empty_database_of("pipeline-automation")

    await asyncio.to_thread(upgrade, "pipeline_automation", "pipeline_automation", found.owner_dsn)
    connection = await asyncpg.connect(found.superuser_dsn)
    assert await connection.fetch(UNWALLED) == []
    assert await connection.fetch(UNTENANTED) == []
    await asyncio.to_thread(downgrade, "pipeline_automation", "pipeline_automation", found.owner_dsn)
    assert await connection.fetchval(LEFT) == 2, "Alembic's own table and its key"
    await asyncio.to_thread(upgrade, "pipeline_automation", "pipeline_automation", found.owner_dsn)
    await connection.close()
