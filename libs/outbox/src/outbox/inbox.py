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
select * from unnest($1::uuid[], $2::uuid[], $3::text[]) as met (event_id, tenant_id, consumer) order by event_id
on conflict do nothing
returning event_id::text
"""

Handle = Callable[[Sequence[AnyEvent], UnitOfWork], Awaitable[None]]


class Inbox:
    """Applies batches of events exactly once for one service, of one type or many."""

    def __init__(self, works: Works, failpoints: Failpoints = NO_FAILPOINTS) -> None:
        self._works = works
        self._failpoints = failpoints

    async def apply(self, heard: Sequence[tuple[str, Sequence[AnyEvent], Handle]]) -> list[int]:
        """Apply what is new of each consumer's events in one transaction of all their tenants; return how many that were of each.

        The handlers run in the order given. A service hears a type only once, so an event has one consumer.
        """
        every = [(event, consumer) for consumer, events, _ in heard for event in events]
        counts: list[int] = []
        async with self._works.begin({event.tenantid for event, _ in every}) as work:
            fresh = await self._meet(work.connection, [(each.id, each.tenantid, consumer) for each, consumer in every])
            for _, events, handle in heard:
                new: list[AnyEvent] = []
                for event in events:
                    if event.id in fresh:
                        fresh.discard(event.id)  # the same id twice in one batch counts once
                        new.append(event)
                if new:
                    await handle(new, work)
                counts.append(len(new))
            self._failpoints.reach("consumer.before_commit")
        self._failpoints.reach("consumer.after_commit")
        return counts

    async def park(self, consumer: str, items: Sequence[Parked]) -> None:
        """Park events in the transaction of their inbox rows; what the inbox knows is left alone."""
        known = [item for item in items if item.unreadable.tenant_id is not None]
        nobodys = [item for item in items if item.unreadable.tenant_id is None]
        async with self._works.begin({str(item.unreadable.tenant_id) for item in known}) as work:
            met = [(item.unreadable.event_id, str(item.unreadable.tenant_id), consumer) for item in known]
            fresh = await self._meet(work.connection, met) if met else set()
            new = [item for item in known if item.unreadable.event_id in fresh] + nobodys
            if new:
                await park(work.connection, new, work.new_id)

    async def _meet(self, connection: Connection, met: Sequence[tuple[str, str, str]]) -> set[str]:
        rows = await connection.fetch(MEET, *zip(*met, strict=True))
        return {row["event_id"] for row in rows}
