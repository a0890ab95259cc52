"""Every table of a tenant, with a row of each of two tenants in it: what the service's own role sees and changes.

All constraints are taken away first, so that any table takes a bare row. What is left is the wall, which must stand alone.
"""

from collections.abc import Sequence

import asyncpg
import pytest
from bare_rows import as_tenants, clear_constraints, tables_with
from kernel.ids import new_id
from schemas import WITH_SCHEMA, House

ONE, OTHER = new_id(), new_id()
NAMES = [service.name for service in WITH_SCHEMA]


async def furnish(house: House, schema: str) -> list[str]:
    """Put a row of each tenant into every table that has tenants; return the tables."""
    await clear_constraints(house.administrator, schema)
    tables = await tables_with(house, schema, "tenant_id")
    for table in tables:
        await house.administrator.execute(
            f"insert into {schema}.{table} (tenant_id) select t from unnest($1::uuid[]) as t", [ONE, OTHER]
        )
    return tables


@pytest.mark.parametrize("service", NAMES)
async def test_a_tenant_sees_and_changes_its_own_rows_only(house: House, service: str) -> None:
    database = house.services[service]
    tables = await furnish(house, database.schema)
    assert len(tables) > 4
    app = await asyncpg.connect(database.app_dsn)
    try:
        for table in tables:
            may = {
                right: await app.fetchval("select has_table_privilege($1, $2)", table, right)
                for right in ("select", "insert", "update", "delete")
            }
            assert may["select"] and may["insert"], table
            await sees(app, table)
            await writes(app, table)
            await changes(app, table, update=may["update"], delete=may["delete"])
            left = await house.administrator.fetch(f"select tenant_id::text from {database.schema}.{table}")
            assert sorted(row["tenant_id"] for row in left) == sorted([ONE, OTHER]), table
    finally:
        await app.close()


async def sees(app: asyncpg.Connection, table: str) -> None:
    """Look at everything there is."""
    cases: list[tuple[Sequence[str] | None, set[str]]] = [
        (None, set()),
        ([], set()),
        ([new_id()], set()),
        ([ONE], {ONE}),
        ([ONE, OTHER], {ONE, OTHER}),
    ]
    for tenants, wanted in cases:
        async with as_tenants(app, tenants):
            rows = await app.fetch(f"select tenant_id::text from {table}")
        assert {row["tenant_id"] for row in rows} == wanted, f"{table} as {tenants}"


async def writes(app: asyncpg.Connection, table: str) -> None:
    """Add a row: of oneself it is taken, of others never."""
    async with as_tenants(app, [ONE]):
        assert await app.execute(f"insert into {table} (tenant_id) values ($1)", ONE) == "INSERT 0 1"
    for tenants in (None, [], [ONE]):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            async with as_tenants(app, tenants):
                await app.execute(f"insert into {table} (tenant_id) values ($1)", OTHER)


async def changes(app: asyncpg.Connection, table: str, *, update: bool, delete: bool) -> None:
    """Change and delete what is not one's own, and give away what is."""
    if update:
        for tenants in (None, [], [ONE]):
            async with as_tenants(app, tenants):
                done = await app.execute(f"update {table} set tenant_id = tenant_id where tenant_id = $1", OTHER)
                assert done == "UPDATE 0", table
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            async with as_tenants(app, [ONE]):
                await app.execute(f"update {table} set tenant_id = $1", OTHER)
    if delete:
        for tenants in (None, [], [ONE]):
            async with as_tenants(app, tenants):
                assert await app.execute(f"delete from {table} where tenant_id = $1", OTHER) == "DELETE 0", table
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with as_tenants(app, [ONE]):
            await app.execute(f"truncate {table}")


@pytest.mark.parametrize("service", NAMES)
async def test_a_bundle_is_seen_where_all_of_its_tenants_are(house: House, service: str) -> None:
    database = house.services[service]
    await furnish(house, database.schema)
    insert = "insert into {}outbox_bundles (tenant_ids) values ($1)"
    for of in ([ONE], [OTHER], [ONE, OTHER]):
        await house.administrator.execute(insert.format(f"{database.schema}."), of)
    app = await asyncpg.connect(database.app_dsn)
    try:
        for tenants, seen in ((None, 0), ([], 0), ([ONE], 1), ([ONE, OTHER], 3)):
            async with as_tenants(app, tenants):
                assert await app.fetchval("select count(*) from outbox_bundles") == seen
        for tenants in (None, [], [ONE]):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with as_tenants(app, tenants):
                    await app.execute(insert.format(""), [ONE, OTHER])
        for of_nobody in (
            "select from outbox_pending",
            "delete from outbox_bundles",
            "update outbox_bundles set events = 1",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(of_nobody)
    finally:
        await app.close()


@pytest.mark.parametrize("service", NAMES)
async def test_the_finder_reads_what_its_functions_need_and_changes_nothing(house: House, service: str) -> None:
    schema = house.services[service].schema
    administrator = house.administrator
    closed = 0
    for table in await furnish(house, schema):
        for statement in (
            f"insert into {schema}.{table} (tenant_id) values (null)",
            f"update {schema}.{table} set tenant_id = null",
            f"delete from {schema}.{table}",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with as_tenants(administrator, None):
                    await administrator.execute(f"set local role {schema}_finder")
                    await administrator.execute(statement)
        closed += not await administrator.fetchval(
            "select has_table_privilege($1, $2, 'select')", f"{schema}_finder", f"{schema}.{table}"
        )
    assert closed, "the finder reads every table"
