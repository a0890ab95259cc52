"""The inbox: a bundle's id is inserted in the transaction of its effects, so a second delivery finds it and does nothing.

It is met by each consumer for itself: one type may be heard by two consumers of a service, in the same transaction or not.

It is also the fence against a consumer that slept: its stale batch is known by the time it wakes. A bundle that had to be cut, since
one of its events is poisonous, is known as such, and its events are met one by one from then on.
"""

from collections.abc import Awaitable, Callable, Sequence

from contracts.bundles import Bundle
from contracts.envelope import AnyEvent
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from postgres.database import Connection

from outbox.parked import Parked, park
from outbox.work import UnitOfWork, Works

# Sorted, so that two deliveries of the same bundles wait for each other instead of deadlocking.
MEET = """
insert into inbox_bundles (id, consumer, in_pieces)
select * from unnest($1::uuid[], $2::text[], $3::boolean[]) as met (id, consumer, in_pieces) order by id, consumer
on conflict do nothing
returning id::text, consumer
"""
IN_PIECES = "select id::text, consumer from inbox_bundles where id = any($1::uuid[]) and in_pieces"

Met = tuple[str, str]
"""An id as one consumer meets it."""
Handle = Callable[[Sequence[AnyEvent], UnitOfWork], Awaitable[None]]


class Inbox:
    """Applies batches of events exactly once for one service, of one type or many."""

    def __init__(self, works: Works, failpoints: Failpoints = NO_FAILPOINTS) -> None:
        self._works = works
        self._failpoints = failpoints

    async def apply(self, heard: Sequence[tuple[str, Sequence[Bundle], Handle]]) -> list[int]:
        """Apply what is new of each consumer's events in one transaction of all their tenants; return how many that were of each.

        The handlers run in the order given. What two consumers hear takes effect once for each of them.
        """
        tenants = {event.tenantid for _, bundles, _ in heard for bundle in bundles for event in bundle.events}
        async with self._works.begin(tenants) as work:
            bundles = [(bundle, consumer) for consumer, bundles, _ in heard for bundle in bundles]
            fresh = await self._meet(work.connection, [(each.id, who, not each.whole) for each, who in bundles])
            loose = [(each, who) for each, who in bundles if not each.whole or (each.id, who) not in fresh]
            events_met = await self._meet_one_by_one(work.connection, loose, fresh) if loose else {}
            counts: list[int] = []
            for who, of_one_consumer, handle in heard:
                new: list[AnyEvent] = []
                for bundle in of_one_consumer:
                    if bundle.whole and (bundle.id, who) in fresh:
                        fresh.discard((bundle.id, who))  # the same bundle twice in one batch counts once
                        new += bundle.events
                    else:
                        new += [event for event in bundle.events if events_met.pop((event.id, who), False)]
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
            applied = await self._applied_whole(work.connection, consumer, known)
            met = [(item.unreadable.event_id, consumer, False) for item in known if item.bundle_id not in applied]
            fresh = await self._meet(work.connection, met) if met else set()
            new = [item for item in known if (item.unreadable.event_id, consumer) in fresh] + nobodys
            if new:
                await park(work.connection, new, work.new_id)

    async def _applied_whole(self, connection: Connection, consumer: str, items: Sequence[Parked]) -> set[str]:
        """Return the bundles of these that the inbox knows as applied; the others are in pieces from now on."""
        # An event that came alone is a bundle of its own and met by the same id.
        bundles = {item.bundle_id for item in items if item.bundle_id and item.bundle_id != item.unreadable.event_id}
        if not bundles:
            return set()
        fresh = await self._meet(connection, [(each, consumer, True) for each in sorted(bundles)])
        known = {each for each in bundles if (each, consumer) not in fresh}
        in_pieces = await self._in_pieces(connection, sorted(known))
        return {each for each in known if (each, consumer) not in in_pieces}

    async def _meet(self, connection: Connection, met: Sequence[tuple[str, str, bool]]) -> set[Met]:
        """Insert ids, with their consumer and whether that is a bundle in pieces; return those that were not known."""
        rows = await connection.fetch(MEET, *zip(*met, strict=True))
        return {(row["id"], row["consumer"]) for row in rows}

    async def _meet_one_by_one(
        self, connection: Connection, loose: Sequence[tuple[Bundle, str]], fresh: set[Met]
    ) -> dict[Met, bool]:
        """Return the new events of bundles that come in pieces, or that were known already and perhaps in pieces."""
        in_pieces = await self._in_pieces(connection, [each.id for each, who in loose if (each.id, who) not in fresh])
        in_pieces |= {(each.id, who) for each, who in loose if not each.whole and (each.id, who) in fresh}
        events = [(event.id, who, False) for each, who in loose if (each.id, who) in in_pieces for event in each.events]
        return dict.fromkeys(await self._meet(connection, events), True) if events else {}

    async def _in_pieces(self, connection: Connection, ids: Sequence[str]) -> set[Met]:
        if not ids:
            return set()
        return {(row["id"], row["consumer"]) for row in await connection.fetch(IN_PIECES, ids)}
