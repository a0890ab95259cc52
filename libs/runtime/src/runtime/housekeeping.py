"""Keeping tables small: partitions made ahead and dropped whole, old idempotency keys deleted."""

import asyncio

from kernel.backoff import Backoff
from outbox.work import Works
from postgres.database import LOST, PoolExhaustedError
from telemetry.logs import get_logger
from web.idempotency import delete_expired

from runtime.settings import BusSettings

log = get_logger(__name__)

EVERY_S = 3600.0


class Housekeeping:
    """A kernel Role: tidies once an hour."""

    name = "housekeeping"

    def __init__(self, works: Works, settings: BusSettings) -> None:
        self._works = works
        self._settings = settings

    async def run(self, stopping: asyncio.Event) -> None:
        """Tidy until told to stop; what fails is tried again soon."""
        backoff = Backoff(5.0, 300.0)
        while not stopping.is_set():
            wait_s = EVERY_S
            try:
                await self.run_once()
                backoff.reset()
            except (*LOST, PoolExhaustedError) as error:
                log.warning("housekeeping failed", error_type=type(error).__name__)
                wait_s = backoff.next_s()
            try:
                async with asyncio.timeout(wait_s):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def run_once(self) -> None:
        """Make partitions ahead, drop old ones, forget old idempotency keys."""
        async with self._works.begin([]) as work:
            waiting_s = await work.connection.fetchval("select outbox_age_s from backlog()")
            # What the broker has not got yet stays, however old it is.
            days = max(self._settings.outbox_days, int(waiting_s / 86400) + 2)
            await work.connection.execute("select keep_partitions($1, $2)", days, self._settings.inbox_days)
        await delete_expired(self._works)
