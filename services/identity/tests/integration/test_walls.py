"""Two tenants and every table, found in the catalogue; migrations there and back."""

from typing import Any

import asyncpg
import pytest
from kernel.ids import new_id
from postgres.migrating import downgrade, upgrade
from testkit.plugin import DatabaseOf
from testkit.servers import ServiceDatabase

NOBODY = "00000000-0000-0000-0000-000000000000"
WITHOUT_TENANT = {"migrations"}
OF_NO_ONE_TENANT = {"outbox_bundles", "outbox_pending", "inbox_bundles"}
"""The line's own tables: ids, and rows about several tenants, whose wall has tests in libs/outbox."""


async def tables_of(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "select relname from pg_class where relnamespace = 'identity'::regnamespace and relkind in ('r', 'p')"
        " and not relispartition order by 1"
    )
    return [row["relname"] for row in rows if row["relname"] not in WITHOUT_TENANT | OF_NO_ONE_TENANT]


async def test_every_table_stands_behind_the_wall(house: Any) -> None:
    rows = await house.served.administrator.fetch(
        "select relname from pg_class where relnamespace = 'identity'::regnamespace and relkind in ('r', 'p')"
        " and not (relrowsecurity and relforcerowsecurity)"
    )
    assert {row["relname"] for row in rows} == WITHOUT_TENANT


async def test_a_tenant_sees_its_own_rows_only_and_without_one_there_are_none(house: Any) -> None:
    ana, eva = await house.register(), await house.register("eva@example.com")
    await house.log_in(password="wrong wrong wrong")
    tables = await tables_of(house.served.administrator)
    assert {"tenants", "users", "api_keys", "sign_ins", "refresh_tokens", "sign_in_failures"} <= set(tables)

    for tenants, seen in (((), set()), ((eva["tenant_id"],), {eva["tenant_id"]}), ((new_id(),), set())):
        async with house.served.parts.database.transaction(tenants) as connection:
            for table in tables:
                found = {str(row["tenant_id"]) for row in await connection.fetch(f"select tenant_id from {table}")}
                assert found <= seen, table
    for table in ("tenants", "users", "api_keys"):
        async with house.served.parts.database.transaction([eva["tenant_id"]]) as connection:
            done = await connection.execute(f"update {table} set version = 9 where tenant_id = $1", ana["tenant_id"])
            assert done == "UPDATE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with house.served.parts.database.transaction([eva["tenant_id"]]) as connection:
            await connection.execute(
                "insert into tenant_members (tenant_id, id, user_id) values ($1, $2, $3)",
                ana["tenant_id"],
                new_id(),
                ana["user_id"],
            )


async def test_look_ups_before_a_tenant_is_known_tell_no_more_than_they_must(house: Any) -> None:
    ana = await house.register()

    async with house.served.parts.database.transaction(()) as connection:
        found = await connection.fetchrow("select * from find_user_by_email('ana@example.com')")
        assert (str(found["tenant_id"]), str(found["id"])) == (ana["tenant_id"], ana["user_id"])
        assert await connection.fetchrow("select * from find_user_by_email('%')") is None
    finder = "select rolcanlogin from pg_roles where rolname = 'identity_finder'"
    assert await house.served.administrator.fetchval(finder) is False


async def test_migrations_go_up_and_down_and_up_again(database_of: DatabaseOf) -> None:
    import asyncio

    database: ServiceDatabase = await database_of("identity", "identity")
    left = (
        "select (select count(*) from pg_class where relnamespace = 'identity'::regnamespace and relkind in ('r', 'p')"
        " and relname <> 'migrations') + (select count(*) from pg_proc where pronamespace = 'identity'::regnamespace)"
    )
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        assert await connection.fetchval(left) > 0
        await asyncio.to_thread(downgrade, "identity", database.schema, database.owner_dsn)
        assert await connection.fetchval(left) == 0
        await asyncio.to_thread(upgrade, "identity", database.schema, database.owner_dsn)
        assert await connection.fetchval("select count(*) from identity.users") == 0
    finally:
        await connection.close()
