"""Checks that every service needs: its database, its migrations, its backlog."""

from collections.abc import Callable, Mapping

from postgres.database import Database

from web.health import Check, Finding

STUCK_S = 60.0


def database_check(database: Database) -> Check:
    """Return the check of a round trip through the pool."""

    async def check() -> Finding:
        async with database.connection() as connection:
            await connection.fetchval("select 1")
        pool = database.pool
        size, idle = pool.get_size(), pool.get_idle_size()
        figures = {"open_connections": size, "in_use": size - idle, "idle": idle, "max_open_connections": pool.get_max_size()}
        return Finding("healthy", "answers", figures)

    return check


def migrations_check(database: Database, schema: str, head: str) -> Check:
    """Return the check that the schema stands at `head`, the newest revision that this code knows."""

    async def check() -> Finding:
        async with database.connection() as connection:
            # The schema is a constant of the service.
            current: str | None = await connection.fetchval(f'select version_num from "{schema}".migrations')
        state = {"current": current, "head": head}
        if current == head:
            return Finding("healthy", "at head", state)
        return Finding("unhealthy", "the schema is at another revision than the code", state)

    return check


def backlog_check(oldest_s: Mapping[str, Callable[[], float]], limit_s: float = STUCK_S) -> Check:
    """Return the check that nothing waits for longer than `limit_s`; `oldest_s` tells the age of the oldest, by name."""

    async def check() -> Finding:
        ages = {name: round(read(), 1) for name, read in oldest_s.items()}
        stuck = sorted(name for name, age in ages.items() if age > limit_s)
        if stuck:
            return Finding("unhealthy", f"waiting for too long: {', '.join(stuck)}", ages)
        return Finding("healthy", "nothing waits for long", ages)

    return check
