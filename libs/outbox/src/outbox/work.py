"""A unit of work: one transaction behind the wall of its tenants, and the events that it says.

What is said is written in the same transaction as the change, in one statement just before the commit.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from contracts.bundles import MAX_BYTES, MAX_EVENTS, packed
from contracts.envelope import MAX_EVENT_BYTES, AnyEvent, encode
from contracts.partition import partition_of
from kernel.clock import Clock, utc_now
from kernel.errors import DomainError
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from kernel.ids import NewId, new_id
from postgres.database import Connection, Database

SAY = """
with said as (
    insert into outbox_bundles (id, tenant_ids, type, routing_key, events, body)
    select id, string_to_array(tenants, ',')::uuid[], type, routing_key, events, body
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bytea[]) with ordinality
        as s (id, tenants, type, routing_key, events, body, position)
    order by position
    returning seq, id, routing_key, events
)
insert into outbox_pending (seq, bundle_id, routing_key, events) select seq, id, routing_key, events from said
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
    async def begin(self, tenants: Iterable[str], projects: Iterable[str] | None = None) -> AsyncIterator[UnitOfWork]:
        """Run a block as one transaction of these tenants; what it says is stored with it. Any exception undoes all.

        `projects` is for requests, which see these projects only (postgres.database); consumers and clocks leave it out.
        """
        tenants = tuple(tenants)
        async with self.database.transaction(tenants, projects) as connection:
            work = UnitOfWork(connection, tenants, self.clock(), self.new_id)
            yield work
            said = await self._store(connection, work.said) if work.said else {}
            self.failpoints.reach("work.before_commit")
        self.failpoints.reach("work.after_commit")
        if said and self._wake_relay:
            self._wake_relay(said)

    async def _store(self, connection: Connection, said: Sequence[AnyEvent]) -> dict[str, bytes]:
        """Store what was said as bundles, in the order in which each began; return their bodies by id."""
        bundles = self._bundles(said)
        rows = [
            (
                self.new_id(),
                ",".join(each.tenants),
                each.type,
                key,
                len(each.bodies),
                packed(each.bodies),
            )
            for key, each in bundles
        ]
        await connection.execute(SAY, *zip(*rows, strict=True))
        if self._wake_relay is None:
            # Empty, one a transaction: the relay in another process looks for itself.
            await connection.execute("select pg_notify(current_schema() || '_outbox', '')")
        return {row[0]: row[-1] for row in rows}

    def _bundles(self, said: Sequence[AnyEvent]) -> list[tuple[str, "_Saying"]]:
        """Put events of one type and partition together, in order, as many as one message may hold."""
        bundles: list[tuple[str, _Saying]] = []
        current: dict[str, _Saying] = {}
        for event in said:
            body = encode(event)
            if len(body) > MAX_EVENT_BYTES:
                raise DomainError("payload_too_large", f"an event of type {event.type} exceeds {MAX_EVENT_BYTES} bytes")
            key = f"{event.type}.{partition_of(event.partitionkey, self.partitions)}"
            saying = current.get(key)
            if saying is None or not saying.takes(body):
                saying = current[key] = _Saying(event.type)
                bundles.append((key, saying))
            saying.tenants.add(event.tenantid)
            saying.bodies.append(body)
            saying.size += len(body) + 1
        return bundles


class _Saying:
    """A bundle that is still open."""

    __slots__ = ("bodies", "size", "tenants", "type")

    def __init__(self, event_type: str) -> None:
        self.type = event_type
        self.tenants: set[str] = set()
        self.bodies: list[bytes] = []
        self.size = 1

    def takes(self, body: bytes) -> bool:
        return len(self.bodies) < MAX_EVENTS and self.size + len(body) + 1 <= MAX_BYTES
