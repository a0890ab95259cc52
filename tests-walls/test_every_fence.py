"""Every table that says whose project a row is, with rows of two projects of one tenant in it: what a request of one of them may do.

All constraints are taken away first. What is left is the wall of the tenant, in which both stand, and the fence.
"""

import asyncpg
import pytest
from bare_rows import as_tenants, clear_constraints, tables_with
from kernel.ids import new_id
from local_stack.doctor.walls import excused
from schemas import WITH_SCHEMA, House

TENANT, HERE, THERE = new_id(), new_id(), new_id()
NAMES = [service.name for service in WITH_SCHEMA]


async def furnish(house: House, service: str) -> list[str]:
    """Put a row of each project into every table that is fenced; return the tables."""
    schema = house.services[service].schema
    await clear_constraints(house.administrator, schema)
    tables = [
        table for table in await tables_with(house, schema, "project_id") if f"fence {table}" not in excused(service)
    ]
    for table in tables:
        await house.administrator.execute(
            f"insert into {schema}.{table} (tenant_id, project_id) select $1, p from unnest($2::uuid[]) as p",
            TENANT,
            [HERE, THERE],
        )
    return tables


@pytest.mark.parametrize("service", NAMES)
async def test_a_request_sees_and_changes_rows_of_its_projects_only(house: House, service: str) -> None:
    database = house.services[service]
    tables = await furnish(house, service)
    assert "parked_events" in tables
    app = await asyncpg.connect(database.app_dsn)
    try:
        for table in tables:
            await sees(app, table)
            await writes(app, table)
            await changes(app, table)
            left = await house.administrator.fetch(f"select project_id::text from {database.schema}.{table}")
            assert sorted(row["project_id"] for row in left) == sorted([HERE, THERE]), table
    finally:
        await app.close()


async def sees(app: asyncpg.Connection, table: str) -> None:
    """Look at everything there is. Whoever sets nothing, as consumers and older releases, sees all of the tenant."""
    for projects, wanted in (
        (None, {HERE, THERE}),
        ([HERE], {HERE}),
        ([HERE, THERE], {HERE, THERE}),
        ([new_id()], set()),
    ):
        async with as_tenants(app, [TENANT], projects):
            rows = await app.fetch(f"select project_id::text from {table}")
        assert {row["project_id"] for row in rows} == wanted, f"{table} in {projects}"


async def writes(app: asyncpg.Connection, table: str) -> None:
    """Add a row: to one's own project it is taken, to others never."""
    insert = f"insert into {table} (tenant_id, project_id) values ($1, $2)"
    for projects in (None, [THERE]):
        async with as_tenants(app, [TENANT], projects):
            assert await app.execute(insert, TENANT, THERE) == "INSERT 0 1", table
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with as_tenants(app, [TENANT], [HERE]):
            await app.execute(insert, TENANT, THERE)


async def changes(app: asyncpg.Connection, table: str) -> None:
    """Change and delete what is of another project, and give away what is of one's own."""
    if await app.fetchval("select has_column_privilege($1, 'project_id', 'update')", table):
        async with as_tenants(app, [TENANT], [HERE]):
            assert (
                await app.execute(f"update {table} set project_id = project_id where project_id = $1", THERE)
                == "UPDATE 0"
            )
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            async with as_tenants(app, [TENANT], [HERE]):
                await app.execute(f"update {table} set project_id = $1", THERE)
    if await app.fetchval("select has_table_privilege($1, 'delete')", table):
        async with as_tenants(app, [TENANT], [HERE]):
            assert await app.execute(f"delete from {table} where project_id = $1", THERE) == "DELETE 0", table
