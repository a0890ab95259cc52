"""Two tenants and one table: the wall, proven from SQL on a real Postgres."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from kernel.failures import Failure
from kernel.ids import new_id
from postgres.database import Database, PoolExhaustedError, WrongRoleError
from postgres.failures import classify
from postgres.walls import finder_function, finder_may_read, protect
from testkit.plugin import EmptyDatabaseOf
from testkit.servers import ServiceDatabase

ONE, OTHER = new_id(), new_id()

NOTES = """
create table toy.notes (tenant_id uuid not null, id uuid not null, text text not null, primary key (tenant_id, id));
"""


@pytest_asyncio.fixture
async def found(empty_database_of: EmptyDatabaseOf) -> ServiceDatabase:
    """A database with one walled table and a note of each tenant, both with the same id."""
    found = await empty_database_of("toy")
    owner = await asyncpg.connect(found.owner_dsn)
    await owner.execute(
        NOTES
        + protect("toy", "notes")
        + finder_may_read("toy", "notes")
        + finder_function(
            "toy", "tenant_of(wanted text)", "setof uuid", "select tenant_id from toy.notes where text = wanted"
        )
    )
    await owner.close()
    return found


@pytest_asyncio.fixture
async def database(found: ServiceDatabase) -> AsyncIterator[Database]:
    database = await Database.connect(found.app_dsn, application="tests", size=2, acquire_timeout_s=0.3)
    same = new_id()
    async with database.transaction([ONE, OTHER]) as connection:
        await connection.execute(
            "insert into notes select t, $2, 'of ' || t from unnest($1::uuid[]) as t", [ONE, OTHER], same
        )
    yield database
    await database.close()


async def texts(database: Database, *tenants: str) -> list[str]:
    async with database.transaction(tenants) as connection:
        return [row["text"] for row in await connection.fetch("select text from notes order by text")]


async def test_each_tenant_sees_its_own_rows_and_a_batch_those_of_its_tenants(database: Database) -> None:
    assert await texts(database, ONE) == [f"of {ONE}"]
    assert await texts(database, OTHER) == [f"of {OTHER}"]
    assert len(await texts(database, ONE, OTHER)) == 2


async def test_no_tenant_means_no_rows_and_the_setting_does_not_outlive_its_transaction(database: Database) -> None:
    assert await texts(database) == []
    async with database.transaction([ONE]) as connection:
        assert await connection.fetchval("select count(*) from notes") == 1
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from notes") == 0


async def test_a_tenant_changes_and_deletes_nothing_of_another(database: Database) -> None:
    async with database.transaction([ONE]) as connection:
        assert await connection.execute("update notes set text = 'mine' where tenant_id = $1", OTHER) == "UPDATE 0"
        assert await connection.execute("delete from notes where tenant_id = $1", OTHER) == "DELETE 0"
    assert await texts(database, OTHER) == [f"of {OTHER}"]


@pytest.mark.parametrize("tenants", [[], [ONE]])
async def test_a_row_for_somebody_else_is_refused(database: Database, tenants: list[str]) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(tenants) as connection:
            await connection.execute("insert into notes values ($1, $2, 'planted')", OTHER, new_id())


async def test_equal_ids_of_two_tenants_do_not_meet_in_a_conflict(database: Database) -> None:
    async with database.transaction([ONE]) as connection:
        (same,) = await connection.fetch("select id from notes")
        done = await connection.execute(
            "insert into notes values ($1, $2, 'again') on conflict (tenant_id, id) do nothing", ONE, same["id"]
        )
    assert done == "INSERT 0 0"
    assert len(await texts(database, ONE, OTHER)) == 2


async def test_the_wall_holds_for_the_owner_of_the_table_too(database: Database, found: ServiceDatabase) -> None:
    owner = await asyncpg.connect(found.owner_dsn)
    try:
        assert await owner.fetchval("select count(*) from notes") == 0
    finally:
        await owner.close()


async def test_without_force_the_owner_would_see_everything(database: Database, found: ServiceDatabase) -> None:
    owner = await asyncpg.connect(found.owner_dsn)
    try:
        await owner.execute("alter table notes no force row level security")
        assert await owner.fetchval("select count(*) from notes") == 2
    finally:
        await owner.close()


async def test_what_comes_before_a_tenant_is_known_is_found_by_the_finder_alone(
    database: Database, found: ServiceDatabase
) -> None:
    async with database.transaction([]) as connection:
        assert str(await connection.fetchval("select tenant_of($1)", f"of {OTHER}")) == OTHER
        assert await connection.fetchval("select count(*) from notes") == 0
    relay = await asyncpg.connect(found.relay_dsn)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await relay.fetchval("select tenant_of('x')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await relay.fetchval("select count(*) from notes")
    finally:
        await relay.close()


async def test_a_service_refuses_to_run_as_owner_or_superuser(database: Database, found: ServiceDatabase) -> None:
    for dsn in (found.owner_dsn, found.superuser_dsn):
        with pytest.raises(WrongRoleError, match="must not own tables or bypass"):
            await Database.connect(dsn, application="tests")


async def test_an_empty_pool_is_an_error_within_its_deadline_and_counts_as_infrastructure(database: Database) -> None:
    async with database.connection(), database.connection():
        with pytest.raises(PoolExhaustedError) as told:
            async with database.connection():
                pass
    assert classify(told.value) is Failure.INFRASTRUCTURE
    assert await database.answers()


async def test_a_statement_that_takes_too_long_is_cancelled(found: ServiceDatabase) -> None:
    database = await Database.connect(found.app_dsn, application="tests", statement_timeout_s=0.2)
    try:
        with pytest.raises(asyncpg.QueryCanceledError) as told:
            async with database.transaction([ONE]) as connection:
                await connection.execute("select pg_sleep(5)")
        assert classify(told.value) is Failure.INFRASTRUCTURE
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (asyncpg.DeadlockDetectedError("x"), Failure.CONFLICT),
        (asyncpg.SerializationError("x"), Failure.CONFLICT),
        (asyncpg.UniqueViolationError("x"), Failure.RACE),
        (asyncpg.LockNotAvailableError("x"), Failure.INFRASTRUCTURE),
        (asyncpg.DiskFullError("x"), Failure.INFRASTRUCTURE),
        (asyncpg.ReadOnlySQLTransactionError("x"), Failure.INFRASTRUCTURE),
        (asyncpg.AdminShutdownError("x"), Failure.INFRASTRUCTURE),
        (asyncpg.InternalClientError("x"), Failure.INFRASTRUCTURE),
        (ConnectionResetError(), Failure.INFRASTRUCTURE),
        (MemoryError(), Failure.INFRASTRUCTURE),
        (asyncpg.CharacterNotInRepertoireError("x"), Failure.DETERMINISTIC),
        (asyncpg.CheckViolationError("x"), Failure.DETERMINISTIC),
        (ValueError("x"), Failure.DETERMINISTIC),
    ],
)
def test_failures_are_sorted_into_three_classes(error: Exception, failure: Failure) -> None:
    assert classify(error) is failure
