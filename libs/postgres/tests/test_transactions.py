"""How a transaction begins and ends, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from kernel.ids import new_id
from postgres.database import Database, RolledBackError
from postgres.walls import protect
from testkit.plugin import EmptyDatabaseOf

TENANT = new_id()


@pytest_asyncio.fixture
async def database(empty_database_of: EmptyDatabaseOf) -> AsyncIterator[Database]:
    """A pool of one connection, over one walled table."""
    found = await empty_database_of("toy")
    owner = await asyncpg.connect(found.owner_dsn)
    await owner.execute(
        "create table toy.notes (tenant_id uuid not null, text text primary key);" + protect("toy", "notes")
    )
    await owner.close()
    database = await Database.connect(found.app_dsn, application="tests", size=1)
    yield database
    await database.close()


async def write(connection: asyncpg.Connection, text: str) -> None:
    await connection.execute("insert into notes values ($1, $2)", TENANT, text)


async def texts(database: Database) -> list[str]:
    async with database.transaction([TENANT]) as connection:
        return [row["text"] for row in await connection.fetch("select text from notes order by text")]


async def test_what_ends_well_is_stored_and_what_raises_is_not(database: Database) -> None:
    async with database.transaction([TENANT]) as connection:
        await write(connection, "kept")
    with pytest.raises(ZeroDivisionError):
        async with database.transaction([TENANT]) as connection:
            await write(connection, "undone")
            raise ZeroDivisionError

    assert await texts(database) == ["kept"]


async def test_a_failure_that_somebody_swallowed_is_told_at_the_end(database: Database) -> None:
    with pytest.raises(RolledBackError):
        async with database.transaction([TENANT]) as connection:
            await write(connection, "lost otherwise")
            with pytest.raises(asyncpg.UniqueViolationError):
                await write(connection, "lost otherwise")

    assert await texts(database) == []


async def test_who_is_cancelled_inside_leaves_nothing_open_behind(database: Database) -> None:
    async def sleep() -> None:
        async with database.transaction([TENANT]) as connection:
            await write(connection, "undone")
            await connection.execute("select pg_sleep(30)")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await sleep()

    async with database.connection() as connection:
        assert not connection.is_in_transaction()
    assert await texts(database) == []


async def test_a_session_that_the_server_ended_does_not_come_back(database: Database) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        async with database.transaction([TENANT]) as connection:
            await write(connection, "undone")
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")

    assert await texts(database) == []


@pytest.mark.parametrize("tenant", ["'; drop table notes; --", "", "%", str(UUID(int=1)) * 2])
async def test_what_is_no_tenant_id_does_not_get_into_the_statement(database: Database, tenant: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        async with database.transaction([tenant]):
            raise AssertionError("begun")

    assert await texts(database) == []
