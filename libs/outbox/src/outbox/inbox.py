"""The inbox: an event id is inserted in the transaction of its effects, so a second delivery finds it and does nothing.

It is also the fence against a consumer that slept: its stale batch is known by the time it wakes.
"""

from collections.abc import Awaitable, Callable, Sequence

from contracts.envelope import AnyEvent
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from postgres.database import Connection

from outbox.parked import Parked, park
from outbox.work import UnitOfWork, Works

# Sorted, so that two deliveries of the same events wait for each other instead of deadlocking.
MEET = """
insert into inbox_events (event_id, tenant_id, consumer)
select event_id, tenant_id, $3 from unnest($1::uuid[], $2::uuid[]) as met (event_id, tenant_id) order by event_id
on conflict do nothing
returning event_id::text
"""

Handle = Callable[[Sequence[AnyEvent], UnitOfWork], Awaitable[None]]


class Inbox:
    """Applies batches of events exactly once for one service."""

    def __init__(self, works: Works, failpoints: Failpoints = NO_FAILPOINTS) -> None:
        self._works = works
        self._failpoints = failpoints

    async def apply(self, consumer: str, events: Sequence[AnyEvent], handle: Handle) -> int:
        """Apply what is new among `events` in one transaction of all their tenants; return how many that were."""
        async with self._works.begin({event.tenantid for event in events}) as work:
            fresh = await self._meet(work.connection, consumer, [(e.id, e.tenantid) for e in events])
            new: list[AnyEvent] = []
            for event in events:
                if event.id in fresh:
                    fresh.discard(event.id)  # the same id twice in one batch counts once
                    new.append(event)
            if new:
                await handle(new, work)
            self._failpoints.reach("consumer.before_commit")
        self._failpoints.reach("consumer.after_commit")
        return len(new)

    async def park(self, consumer: str, items: Sequence[Parked]) -> None:
        """Park events in the transaction of their inbox rows; what the inbox knows is left alone."""
        known = [item for item in items if item.unreadable.tenant_id is not None]
        nobodys = [item for item in items if item.unreadable.tenant_id is None]
        async with self._works.begin({str(item.unreadable.tenant_id) for item in known}) as work:
            pairs = [(item.unreadable.event_id, str(item.unreadable.tenant_id)) for item in known]
            fresh = await self._meet(work.connection, consumer, pairs) if pairs else set()
            new = [item for item in known if item.unreadable.event_id in fresh] + nobodys
            if new:
                await park(work.connection, new, work.new_id)

    async def _meet(self, connection: Connection, consumer: str, pairs: Sequence[tuple[str, str]]) -> set[str]:
        rows = await connection.fetch(
            MEET, [event_id for event_id, _ in pairs], [tenant for _, tenant in pairs], consumer
        )
        return {row["event_id"] for row in rows}
