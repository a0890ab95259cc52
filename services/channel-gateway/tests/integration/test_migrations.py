"""The schema goes up and comes down again, and nothing in it stands outside of the tenant walls."""

import asyncio

import asyncpg
import pytest
from postgres.migrating import downgrade, upgrade
from testkit.plugin import DatabaseOf, EmptyDatabaseOf

PRODUCT_TABLES = {"migrations"}  # no tenant's data


async def test_migrations_go_up_down_and_up_again(empty_database_of: EmptyDatabaseOf) -> None:
    database = await empty_database_of("channel-gateway")
    for step in (upgrade, downgrade):
        await asyncio.to_thread(step, "channel_gateway", "channel_gateway", database.owner_dsn)
    connection = await asyncpg.connect(database.superuser_dsn)
    left = await connection.fetch(
        "select relname from pg_class where relnamespace = 'channel_gateway'::regnamespace and relname !~ '^migrations'"
        " union select proname from pg_proc where pronamespace = 'channel_gateway'::regnamespace"
    )
    await connection.close()
    assert left == []
    await asyncio.to_thread(upgrade, "channel_gateway", "channel_gateway", database.owner_dsn)


async def test_every_table_stands_behind_the_wall_and_every_unique_key_begins_with_the_tenant(
    database_of: DatabaseOf,
) -> None:
    database = await database_of("channel-gateway", "channel_gateway")
    connection = await asyncpg.connect(database.superuser_dsn)
    open_tables = await connection.fetch(
        "select relname from pg_class where relnamespace = 'channel_gateway'::regnamespace and relkind in ('r', 'p')"
        " and not (relrowsecurity and relforcerowsecurity)"
    )
    assert {row["relname"] for row in open_tables} == PRODUCT_TABLES
    unique = await connection.fetch(
        "select c.relname, i.relname as index, a.attname from pg_index x"
        " join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum = x.indkey[0]"
        " where x.indisunique and c.relnamespace = 'channel_gateway'::regnamespace and c.relkind in ('r', 'p')"
        " and c.relname in ('channels', 'credentials', 'channel_activity', 'delivery_keys', 'inbound_deliveries')"
        " and a.attname <> 'tenant_id'"
    )
    await connection.close()
    # An address that names no tenant has to be unique in the whole installation.
    assert {row["index"] for row in unique} == {"channels_by_webhook"}


async def test_raw_bodies_are_not_compressed_by_the_slow_method(database_of: DatabaseOf) -> None:
    database = await database_of("channel-gateway", "channel_gateway")
    connection = await asyncpg.connect(database.superuser_dsn)
    kept = await connection.fetch(
        "select a.attstorage::text as storage, a.attcompression::text as compression from pg_attribute a"
        " join pg_class c on c.oid = a.attrelid where c.relname like 'inbound_deliveries%' and a.attname = 'raw'"
    )
    await connection.close()
    assert len(kept) > 5
    assert all(row["storage"] == "e" or row["compression"] == "l" for row in kept)


async def test_the_app_role_changes_no_table_and_reads_no_secret_of_others(database_of: DatabaseOf) -> None:
    database = await database_of("channel-gateway", "channel_gateway")
    connection = await asyncpg.connect(database.app_dsn)
    assert await connection.fetch("select * from credentials") == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("drop table credentials")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("insert into delivery_keys values (gen_random_uuid(), gen_random_uuid(), 'x', now())")
    await connection.close()
