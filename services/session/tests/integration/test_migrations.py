"""The schema goes up, down and up again, and stands behind the wall."""

import asyncio

import asyncpg
from postgres.migrating import downgrade, upgrade
from testkit.plugin import EmptyDatabaseOf

A_WAITING_SESSION = """
insert into session.sessions (tenant_id, id, project_id, chat_key, contact_id, channel_id, channel_type, origin, status,
    started_at, last_activity_at, timeout_minutes, timeout_at, check_at, message_count, messages_from_contact,
    messages_from_agent, unread_count, waiting_since, contact_wait_ms)
select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'chat', gen_random_uuid(), gen_random_uuid(), 'waha', 'inbound',
    'active', t, t, 30, t + interval '30 min', t + interval '30 min', 3, 3, 0, 2, t, 7000
from (select timestamptz '2026-11-21 12:00:00+00') as at (t)
"""

UNWALLED = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'session' and c.relkind in ('r', 'p') and c.relname <> 'migrations'
    and not (c.relrowsecurity and c.relforcerowsecurity)
"""
UNTENANTED = """
select i.relname from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
join pg_namespace n on n.oid = t.relnamespace
join pg_attribute a on a.attrelid = x.indexrelid and a.attnum = 1
where n.nspname = 'session' and x.indisunique and a.attname <> 'tenant_id' and t.relname !~ '^(outbox|inbox)_'
    and t.relname not in ('migrations', 'parked_events', 'consumer_lag')
"""
LEFT = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'session'"


async def test_the_schema_goes_up_down_and_up_again(empty_database_of: EmptyDatabaseOf) -> None:
    found = await empty_database_of("session")

    await asyncio.to_thread(upgrade, "session", "session", found.owner_dsn)
    connection = await asyncpg.connect(found.superuser_dsn)
    assert await connection.fetch(UNWALLED) == []
    assert await connection.fetch(UNTENANTED) == []
    await asyncio.to_thread(downgrade, "session", "session", found.owner_dsn)
    assert await connection.fetchval(LEFT) == 2, "Alembic's own table and its key"
    await asyncio.to_thread(upgrade, "session", "session", found.owner_dsn)
    await connection.close()


async def test_sessions_that_wait_go_on_waiting_after_the_upgrade(empty_database_of: EmptyDatabaseOf) -> None:
    found = await empty_database_of("session")
    await asyncio.to_thread(upgrade, "session", "session", found.owner_dsn, "0001")
    connection = await asyncpg.connect(found.superuser_dsn)
    await connection.execute(A_WAITING_SESSION)

    await asyncio.to_thread(upgrade, "session", "session", found.owner_dsn)

    assert await connection.fetchval("select talk from session.sessions") == [7000, 1795262400000, 2]
    assert await connection.fetch(UNWALLED) == []
    await connection.close()
