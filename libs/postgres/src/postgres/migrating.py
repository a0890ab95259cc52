"""Alembic for a service: its own history, its own version table, plain SQL."""

import asyncio
import time
from collections.abc import Callable

from alembic import command
from alembic.config import Config
from kernel.backoff import Backoff
from sqlalchemy import Connection, pool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from postgres.revisions import VERSION_TABLE, migrations_of

LOCK_TIMEOUT_SQLSTATE = "55P03"


def configuration(package: str, schema: str, owner_dsn: str) -> Config:
    """Return Alembic's configuration for the migrations that lie inside `package`."""
    config = Config()
    config.set_main_option("script_location", str(migrations_of(package)))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.attributes["schema"] = schema
    config.attributes["dsn"] = owner_dsn
    return config


def upgrade(package: str, schema: str, owner_dsn: str, revision: str = "head") -> None:
    """Bring the schema to `revision`, one process at a time; repeat while a lock cannot be had."""
    _repeat_while_locked(lambda: command.upgrade(configuration(package, schema, owner_dsn), revision))


def downgrade(package: str, schema: str, owner_dsn: str, revision: str = "base") -> None:
    """Take the schema back to `revision`."""
    _repeat_while_locked(lambda: command.downgrade(configuration(package, schema, owner_dsn), revision))


def run_from_alembic() -> None:
    """What each service's `migrations/env.py` calls."""
    from alembic import context

    schema, dsn = context.config.attributes["schema"], context.config.attributes["dsn"]

    def run(connection: Connection) -> None:
        # DDL that waits for a lock stops all traffic behind it: give up soon and try again.
        connection.execute(text("set lock_timeout = '3s'"))
        connection.execute(text(f'set search_path = "{schema}"'))
        connection.commit()
        context.configure(
            connection=connection,
            version_table=VERSION_TABLE,
            version_table_schema=schema,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.execute(f"select pg_advisory_xact_lock(hashtextextended('migrate {schema}', 0))")
            context.run_migrations()
        # Readiness compares it with the code's own head.
        connection.execute(text(f'grant select on "{schema}".{VERSION_TABLE} to "{schema}_app"'))
        connection.commit()

    async def online() -> None:
        engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=pool.NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(run)
        await engine.dispose()

    asyncio.run(online())


def _repeat_while_locked(run: Callable[[], None], attempts: int = 10) -> None:
    backoff = Backoff(0.5, 5.0)
    for left in reversed(range(attempts)):
        try:
            run()
            return
        except DBAPIError as error:
            if left == 0 or getattr(error.orig, "sqlstate", None) != LOCK_TIMEOUT_SQLSTATE:
                raise
            time.sleep(backoff.next_s())


def run_sql(script: str) -> None:
    """Run a script of several statements inside the migration's transaction.

    asyncpg prepares what has parameters and takes a single statement then; a script goes by the simple protocol.
    """
    from alembic import op
    from sqlalchemy.util import await_only

    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    await_only(driver.execute(script))
