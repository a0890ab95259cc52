"""One pool per process, and transactions behind the tenant wall.

Every statement of a service runs inside `Database.transaction(tenants, projects)`, which sets `app.tenant_ids` for that transaction only:
row-level security (walls.py) then shows and accepts the rows of these tenants and no others. No tenants, no rows. With `projects`,
which requests have and consumers have not, it sets `app.project_ids` too: of what belongs to a project, only that of these.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias
from uuid import UUID

import asyncpg

Connection: TypeAlias = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What a database that is away, restarting or ending our session makes us see."""


_NO_PROJECT = str(UUID(int=0))


class WrongRoleError(Exception):
    """The service connected as somebody who stands above the wall."""


class RolledBackError(Exception):
    """A commit that stored nothing."""


class PoolExhaustedError(Exception):
    """No connection came free in time."""


class Database:
    """The pool of one process. All waits are bounded: acquiring, statements (here and in the server), idle transactions."""

    def __init__(self, pool: asyncpg.Pool, acquire_timeout_s: float) -> None:
        self.pool = pool
        self._acquire_timeout_s = acquire_timeout_s

    @classmethod
    async def connect(
        cls,
        dsn: str,
        *,
        application: str,
        size: int = 10,
        acquire_timeout_s: float = 2.0,
        statement_timeout_s: float = 10.0,
        lock_timeout_s: float = 3.0,
        idle_in_transaction_timeout_s: float = 5.0,
    ) -> "Database":
        """Open the pool; raise WrongRoleError for a role that owns tables or bypasses row-level security.

        `idle_in_transaction_timeout_s` frees the locks of a process that fell asleep inside a transaction.
        """
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=5,
            init=_learn_arrays,
            # Nothing of ours outlives a transaction (settings are local, no session locks), so nothing is reset between two.
            reset=_nothing_to_reset,
            # The server's own limit fires first; this one is for a server that does not answer at all.
            command_timeout=statement_timeout_s + 5,
            server_settings={
                "application_name": application,
                "timezone": "UTC",
                # A plan is kept for its connection's life: one made for a small table must be right for a big one too.
                "enable_seqscan": "off",
                # Made once: a plan for each batch knows its size, which changes nothing, and costs more than some of them run.
                "plan_cache_mode": "force_generic_plan",
                "statement_timeout": _milliseconds(statement_timeout_s),
                "lock_timeout": _milliseconds(lock_timeout_s),
                "idle_in_transaction_session_timeout": _milliseconds(idle_in_transaction_timeout_s),
                "tcp_keepalives_idle": "10",
                "tcp_keepalives_interval": "5",
                "tcp_keepalives_count": "3",
            },
        )
        database = cls(pool, acquire_timeout_s)
        try:
            async with database.connection() as connection:
                await refuse_powerful_role(connection)
        except BaseException:
            pool.terminate()
            raise
        return database

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection outside of any transaction; raise PoolExhaustedError when none comes free in time."""
        try:
            connection = await self.pool.acquire(timeout=self._acquire_timeout_s)
        except TimeoutError as error:
            raise PoolExhaustedError("no database connection came free in time") from error
        try:
            yield connection
        finally:
            await self.pool.release(connection, timeout=5)

    @asynccontextmanager
    async def transaction(
        self, tenants: Iterable[str], projects: Iterable[str] | None = None
    ) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction that sees these tenants' rows only; commit at the end, undo all upon any exception.

        `projects`: of rows that belong to one, those of these only; none of them if it is empty, all if it is None.
        Raises RolledBackError when the end finds a failed statement that somebody has swallowed: nothing was stored.
        """
        async with self.connection() as connection:
            try:
                # One way to the server and back for both: on the line there are six or seven in a transaction.
                await connection.execute(f"begin; {_choosing('tenant', tenants)}{_among(projects)}")
                yield connection
            except BaseException:
                await _roll_back(connection)
                raise
            if await connection.execute("commit") != "COMMIT":
                raise RolledBackError("the transaction had failed before its end, so nothing was stored")

    async def answers(self) -> bool:
        """Tell whether the database can be written to now."""
        try:
            async with asyncio.timeout(5), self.connection() as connection:
                return not await connection.fetchval("select pg_is_in_recovery()")
        except (*LOST, PoolExhaustedError):
            return False

    async def close(self) -> None:
        """Close the pool, waiting a few seconds for what is running."""
        try:
            async with asyncio.timeout(5):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()


async def set_tenants(connection: Connection, tenants: Iterable[str]) -> None:
    """Choose whose rows the running transaction sees, until its end."""
    await connection.execute(_choosing("tenant", tenants))


def _choosing(of: Literal["tenant", "project"], ids: Iterable[str]) -> str:
    """Return the statement. It cannot take parameters; what is no UUID does not get into it."""
    return f"set local app.{of}_ids = '{','.join(sorted({str(UUID(each)) for each in ids}))}'"


def _among(projects: Iterable[str] | None) -> str:
    """Return the rest of the statement. Unset and empty are the same to the server, so no project at all is one that nobody has."""
    return "" if projects is None else f"; {_choosing('project', tuple(projects) or (_NO_PROJECT,))}"


async def _roll_back(connection: Connection) -> None:
    """Undo what is open, or give the session up: it must not come back to the pool inside a transaction."""
    try:
        if not connection.is_closed() and connection.is_in_transaction():
            await connection.execute("rollback")
    except LOST:
        connection.terminate()


async def refuse_powerful_role(connection: Connection) -> None:
    """Raise WrongRoleError unless the present role is one that the wall holds."""
    row = await connection.fetchrow(
        "select current_user::text as name, rolsuper or rolbypassrls as above,"
        " exists(select from pg_class where relowner = r.oid and relkind in ('r', 'p')) as owner"
        " from pg_roles r where rolname = current_user"
    )
    if row["above"] or row["owner"]:
        raise WrongRoleError(
            f"refusing to run as {row['name']}: a service must not own tables or bypass row-level security"
        )


async def _learn_arrays(connection: Connection) -> None:
    """Look up the array types that batches are made of at once: asyncpg asks the catalogue for each, at the first statement that has it."""
    await connection.prepare(
        "select $1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::jsonb[], $6::bigint[], $7::bool[], $8::float[],"
        " $9::smallint[], $10::bytea[]"
    )


async def _nothing_to_reset(_: Connection) -> None:
    return None


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
