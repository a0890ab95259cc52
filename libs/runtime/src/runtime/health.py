"""What every service asks of its dependencies, by a round trip through each."""

from typing import Protocol

from bus.connection import BROKER_ERRORS, connected
from bus.consuming import Consuming
from postgres.revisions import current_revision, head_of
from postgres.roles import schema_of
from web.health import Check, Finding

from runtime.parts import Parts

BACKLOG_S = 60.0
PARKED_S = 600.0


def checks_of(parts: Parts, consuming: Consuming | None) -> dict[str, Check]:
    """Return the checks of database, migrations, rabbitmq and backlog."""
    schema = schema_of(parts.service)
    head = head_of(schema)

    async def database() -> Finding:
        async with parts.database.connection() as connection:
            await connection.fetchval("select 1")
        pool = parts.database.pool
        in_use = pool.get_size() - pool.get_idle_size()
        return Finding(
            metadata={
                "open_connections": pool.get_size(),
                "in_use": in_use,
                "idle": pool.get_idle_size(),
                "max_open_connections": pool.get_max_size(),
            }
        )

    async def migrations() -> Finding:
        async with parts.database.connection() as connection:
            current = await current_revision(connection, schema)
        facts = {"current": current, "head": head}
        if current != head:
            return Finding("unhealthy", f"run `{parts.service} migrate`", facts)
        return Finding("healthy", "at head", facts)

    async def rabbitmq() -> Finding:
        try:
            async with connected(parts.settings.bus.url, f"{parts.service} health"):
                waits = consuming.waits_for() if consuming else []
        except BROKER_ERRORS:
            return Finding("unhealthy", "does not answer")
        if waits:
            return Finding("degraded", f"{len(waits)} subscriptions are not consuming", {"waiting": waits})
        return Finding("healthy", "answers")

    async def backlog() -> Finding:
        async with parts.database.connection() as connection:
            waiting = await connection.fetchrow("select outbox_age_s, parked_age_s from backlog()")
        facts = {"outbox_age_s": round(waiting["outbox_age_s"], 1), "parked_age_s": round(waiting["parked_age_s"], 1)}
        if waiting["outbox_age_s"] > BACKLOG_S:
            return Finding("unhealthy", "events wait for the broker", facts)
        if waiting["parked_age_s"] > PARKED_S:
            return Finding("degraded", "parked events wait for a decision", facts)
        return Finding("healthy", "nothing waits", facts)

    return {"database": database, "migrations": migrations, "rabbitmq": rabbitmq, "backlog": backlog}


class _Temporal(Protocol):
    """The client of `libs/durable`."""

    namespace: str

    async def answers(self) -> bool: ...


def temporal_check(temporal: _Temporal) -> Check:
    """Return the check of Temporal. Away is degraded and not dead: due rows and workflows catch up."""

    async def check() -> Finding:
        facts = {"namespace": temporal.namespace}
        if await temporal.answers():
            return Finding("healthy", "answers", facts)
        return Finding("degraded", "does not answer", facts)

    return check
