"""A unit of work: one transaction behind the wall of its tenants, and the events that it says.

What is said is written in the same transaction as the change, in one statement just before the commit.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from contracts.envelope import MAX_EVENT_BYTES, AnyEvent, encode
from contracts.partition import partition_of
from kernel.clock import Clock, utc_now
from kernel.errors import DomainError
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from kernel.ids import NewId, new_id
from postgres.database import Connection, Database

SAY = """
with said as (
    insert into outbox_events (id, tenant_id, type, routing_key, body)
    select id, tenant_id, type, routing_key, body
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[]) with ordinality
        as s (id, tenant_id, type, routing_key, body, position)
    order by position
    returning seq, id, tenant_id, routing_key
)
insert into outbox_pending (seq, event_id, tenant_id, routing_key) select seq, id, tenant_id, routing_key from said
"""


class UnitOfWork:
    """One transaction. `connection` is asyncpg's own; `say` announces events, which leave only if the transaction commits."""

    def __init__(self, connection: Connection, tenants: Sequence[str], now: datetime, ids: NewId) -> None:
        self.connection = connection
        self.tenants = tenants
        self.now = now
        self.new_id = ids
        self.said: list[AnyEvent] = []

    def say(self, *events: AnyEvent) -> None:
        """Announce events, in this order."""
        self.said.extend(events)


class Works:
    """Opens units of work for one service."""

    def __init__(
        self,
        database: Database,
        *,
        partitions: int,
        wake_relay: Callable[[Mapping[str, bytes]], None] | None = None,
        clock: Clock = utc_now,
        ids: NewId = new_id,
        failpoints: Failpoints = NO_FAILPOINTS,
    ) -> None:
        """`wake_relay` hands a relay in this process what was said, after the commit; None means that it runs elsewhere and is notified."""
        self.database = database
        self.partitions = partitions
        self.clock = clock
        self.new_id = ids
        self.failpoints = failpoints
        self._wake_relay = wake_relay

    @asynccontextmanager
    async def begin(self, tenants: Iterable[str]) -> AsyncIterator[UnitOfWork]:
        """Run a block as one transaction of these tenants; what it says is stored with it. Any exception undoes all."""
        tenants = tuple(tenants)
        async with self.database.transaction(tenants) as connection:
            work = UnitOfWork(connection, tenants, self.clock(), self.new_id)
            yield work
            said = await self._store(connection, work.said) if work.said else {}
            self.failpoints.reach("work.before_commit")
        self.failpoints.reach("work.after_commit")
        if said and self._wake_relay:
            self._wake_relay(said)

    async def _store(self, connection: Connection, said: Sequence[AnyEvent]) -> dict[str, bytes]:
        bodies = [encode(event) for event in said]
        for event, body in zip(said, bodies, strict=True):
            if len(body) > MAX_EVENT_BYTES:
                raise DomainError("payload_too_large", f"an event of type {event.type} exceeds {MAX_EVENT_BYTES} bytes")
        await connection.execute(
            SAY,
            [event.id for event in said],
            [event.tenantid for event in said],
            [event.type for event in said],
            [f"{event.type}.{partition_of(event.partitionkey, self.partitions)}" for event in said],
            bodies,
        )
        if self._wake_relay is None:
            # Empty, one a transaction: the relay in another process looks for itself.
            await connection.execute("select pg_notify(current_schema() || '_outbox', '')")
        return {event.id: body for event, body in zip(said, bodies, strict=True)}
