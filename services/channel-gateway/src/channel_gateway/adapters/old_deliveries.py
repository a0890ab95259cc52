"""Letting go of what is old: raw deliveries by whole days, their keys row by row."""

import asyncio
from datetime import timedelta

from kernel.ids import first_id_at
from outbox.regularly import regularly
from outbox.work import Works

from channel_gateway.adapters.send_requests_in_postgres import SendRequestsInPostgres

KEYS_KEPT = timedelta(days=14)
SENDS_KEPT = timedelta(days=30)
"""Longer than the keys: an own message that comes again late is still known as ours."""

EVERY_S = 86_400.0
ROWS_AT_ONCE = 5_000

FORGET_KEYS = """
delete from delivery_keys where ctid = any (array(
    select ctid from delivery_keys where tenant_id = $1 and received_at < $2 limit $3))
"""
# Only what lies outside of the days' own partitions is deleted row by row: those are dropped whole.
FORGET_STRAYS = "delete from inbound_deliveries where tenant_id = $1 and id < $2::uuid"


class OldDeliveries:
    """A kernel Role: makes the days' partitions ahead and lets go of what is old, once a day."""

    name = "old deliveries"

    def __init__(self, works: Works, days: int) -> None:
        """`days` for which raw deliveries are kept."""
        self._works = works
        self._days = days

    async def run(self, stopping: asyncio.Event) -> None:
        """Tidy now and daily until told to stop."""
        await regularly(self.name, self.run_once, stopping, every_s=EVERY_S)

    async def run_once(self) -> int:
        """Make partitions ahead, drop old ones, delete old keys; return how many keys went."""
        now = self._works.clock()
        keys_before, rows_before = now - KEYS_KEPT, now - timedelta(days=self._days)
        async with self._works.begin([]) as work:
            await work.connection.execute("select keep_delivery_partitions($1)", self._days)
        async with self._works.begin([]) as work:
            tenants = await work.connection.fetch(
                "select tenants_with_old_deliveries($1, $2)::text", keys_before, rows_before
            )
        oldest = first_id_at(int(rows_before.timestamp() * 1000))
        forgotten = 0
        for (tenant_id,) in tenants:
            async with self._works.begin([tenant_id]) as work:
                await work.connection.execute(FORGET_STRAYS, tenant_id, oldest)
            went = ROWS_AT_ONCE
            while went == ROWS_AT_ONCE:
                async with self._works.begin([tenant_id]) as work:
                    done = await work.connection.execute(FORGET_KEYS, tenant_id, keys_before, ROWS_AT_ONCE)
                went = int(done.rpartition(" ")[2])
                forgotten += went
        await self._forget_sends(first_id_at(int((now - SENDS_KEPT).timestamp() * 1000)))
        return forgotten

    async def _forget_sends(self, before: str) -> None:
        async with self._works.begin([]) as work:
            tenants = await work.connection.fetch("select tenants_with_old_sends($1)::text", before)
        for (tenant_id,) in tenants:
            went = ROWS_AT_ONCE
            while went == ROWS_AT_ONCE:
                async with self._works.begin([tenant_id]) as work:
                    went = await SendRequestsInPostgres(work.connection).forget(tenant_id, before, ROWS_AT_ONCE)
