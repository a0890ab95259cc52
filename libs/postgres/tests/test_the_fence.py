"""Two projects of one tenant and one table: the fence, proven from SQL on a real Postgres."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from kernel.ids import new_id
from postgres.database import Database
from postgres.walls import fence, finder_function, finder_may_read, protect, take_fence_away
from testkit.plugin import EmptyDatabaseOf
from testkit.servers import ServiceDatabase

TENANT, STRANGER = new_id(), new_id()
HERE, THERE = new_id(), new_id()

NOTES = """
create table toy.notes (tenant_id uuid not null, id int not null, project_id uuid, primary key (tenant_id, id));
"""


@pytest_asyncio.fixture
async def found(empty_database_of: EmptyDatabaseOf) -> ServiceDatabase:
    found = await empty_database_of("toy")
    await as_owner(
        found,
        NOTES
        + protect("toy", "notes")
        + fence("toy", "notes")
        + finder_may_read("toy", "notes")
        + finder_function("toy", "all_notes()", "bigint", "select count(*) from toy.notes"),
    )
    return found


@pytest_asyncio.fixture
async def database(found: ServiceDatabase) -> AsyncIterator[Database]:
    """Note 1 is of one project, 2 of the other, 3 of none, 4 of one project's id under another tenant."""
    database = await Database.connect(found.app_dsn, application="tests", size=2)
    async with database.transaction([TENANT, STRANGER]) as connection:
        for number, (tenant, project) in enumerate(
            ((TENANT, HERE), (TENANT, THERE), (TENANT, None), (STRANGER, HERE)), start=1
        ):
            await connection.execute("insert into notes values ($1, $2, $3)", tenant, number, project)
    yield database
    await database.close()


async def as_owner(found: ServiceDatabase, script: str) -> None:
    owner = await asyncpg.connect(found.owner_dsn)
    await owner.execute(script)
    await owner.close()


async def ids(database: Database, projects: list[str] | None) -> list[int]:
    async with database.transaction([TENANT], projects) as connection:
        return [row["id"] for row in await connection.fetch("select id from notes order by id")]


@pytest.mark.parametrize(
    ("projects", "seen"),
    [(None, [1, 2, 3]), ([HERE], [1, 3]), ([HERE, THERE], [1, 2, 3]), ([new_id()], [3]), ([], [3])],
)
async def test_a_request_sees_its_projects_and_what_is_of_none(
    database: Database, projects: list[str] | None, seen: list[int]
) -> None:
    assert await ids(database, projects) == seen


async def test_the_fence_ends_with_its_transaction(database: Database) -> None:
    for _ in range(4):  # each connection of the pool
        assert await ids(database, [HERE]) == [1, 3]
        assert await ids(database, None) == [1, 2, 3]


async def test_nothing_of_another_project_is_changed_deleted_or_locked(database: Database) -> None:
    async with database.transaction([TENANT], [HERE]) as connection:
        assert await connection.execute("update notes set id = 9 where tenant_id = $1 and id = 2", TENANT) == "UPDATE 0"
        assert await connection.execute("delete from notes where tenant_id = $1 and id = 2", TENANT) == "DELETE 0"
        assert await connection.fetch("select from notes where tenant_id = $1 and id = 2 for update", TENANT) == []
    assert await ids(database, None) == [1, 2, 3]


@pytest.mark.parametrize("projects", [[HERE], []])
async def test_nothing_is_put_into_another_project(database: Database, projects: list[str]) -> None:
    for statement in (
        "insert into notes values ($1, 5, $2)",
        "update notes set project_id = $2 where tenant_id = $1 and id = 3",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            async with database.transaction([TENANT], projects) as connection:
                await connection.execute(statement, TENANT, THERE)


async def test_what_is_no_uuid_does_not_get_into_the_setting(database: Database) -> None:
    with pytest.raises(ValueError, match="badly formed"):
        await ids(database, [f"{HERE}'; drop table notes; --"])


async def test_the_finder_and_an_older_release_do_not_meet_it(database: Database, found: ServiceDatabase) -> None:
    async with database.transaction([TENANT], [HERE]) as connection:
        assert await connection.fetchval("select all_notes()") == 4
    older = await asyncpg.connect(found.app_dsn)
    try:
        async with older.transaction():
            await older.execute("select set_config('app.tenant_ids', $1, true)", TENANT)
            assert await older.fetchval("select count(*) from notes") == 3
            assert await older.execute("insert into notes values ($1, 5, $2)", TENANT, THERE) == "INSERT 0 1"
    finally:
        await older.close()


async def test_without_the_fence_there_is_no_other(database: Database, found: ServiceDatabase) -> None:
    await as_owner(found, take_fence_away("toy", "notes"))
    assert await ids(database, [HERE]) == [1, 2, 3]
