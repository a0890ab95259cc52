"""Waiting for a feed to grow: one look for all who wait in this process, a few times a second, and none when nobody waits.

Nobody who waits holds a connection. What it asks is what is visible, so nothing that commits late is missed.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from outbox.regularly import regularly
from outbox.work import Works

EVERY_S = 0.25
AGAIN_S = (EVERY_S, 5.0)
MOST_WAITING = 60
MOST_WAITING_OF_A_TENANT = 20
"""Who comes beyond is answered at once, as if they had not asked us to wait. The gateway keeps 100 connections to a service."""

HEADS = """
select w.tenant_id::text, (
    select f.place from feed_entries f where f.tenant_id = w.tenant_id and f.place > w.place order by f.place desc limit 1
) as place
from unnest($1::uuid[], $2::bigint[]) as w (tenant_id, place)
"""


class _Waiting:
    """Somebody who waits for entries of a tenant after a place."""

    def __init__(self, tenant_id: str, after: int) -> None:
        self.tenant_id = tenant_id
        self.after = after
        self.newest: int | None = None
        self.woken = asyncio.Event()


class FeedWatch:
    """A kernel Role. When told to stop, it lets everybody go who waits."""

    name = "watch the feed"

    def __init__(self, works: Works) -> None:
        self._works = works
        self._waiting: set[_Waiting] = set()
        self._somebody = asyncio.Event()
        self._stopped = False

    async def grown(self, tenant_id: str, after: int, until: float) -> int | None:
        """Wait until the tenant has an entry after that place, at the longest until that time of the loop's clock; return the newest's."""
        mine = _Waiting(tenant_id, after)
        if self._stopped or self._is_full(tenant_id):
            return None
        with self._among_the_waiting(mine), suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await mine.woken.wait()
        return mine.newest

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until told to stop."""
        stop = asyncio.create_task(stopping.wait())
        stop.add_done_callback(lambda _: self._stop())
        try:
            await regularly(self.name, self._look, stopping, every_s=EVERY_S, again_s=AGAIN_S)
        finally:
            stop.cancel()

    async def _look(self) -> None:
        """Wait for somebody who waits, then wake those whose tenants have something new."""
        await self._somebody.wait()
        after: dict[str, int] = {}
        for each in self._waiting:
            after[each.tenant_id] = min(each.after, after.get(each.tenant_id, each.after))
        if not after:
            return
        async with self._works.begin(after) as work:
            rows = await work.connection.fetch(HEADS, list(after), list(after.values()))
        heads = {row["tenant_id"]: row["place"] for row in rows if row["place"] is not None}
        for each in self._waiting:
            if (newest := heads.get(each.tenant_id, each.after)) > each.after:
                each.newest = newest
                each.woken.set()

    def _is_full(self, tenant_id: str) -> bool:
        of_tenant = sum(each.tenant_id == tenant_id for each in self._waiting)
        return len(self._waiting) >= MOST_WAITING or of_tenant >= MOST_WAITING_OF_A_TENANT

    @contextmanager
    def _among_the_waiting(self, mine: _Waiting) -> Iterator[None]:
        self._waiting.add(mine)
        self._somebody.set()
        try:
            yield
        finally:
            self._waiting.discard(mine)
            if not self._waiting and not self._stopped:
                self._somebody.clear()

    def _stop(self) -> None:
        self._stopped = True
        self._somebody.set()
        for each in self._waiting:
            each.woken.set()
