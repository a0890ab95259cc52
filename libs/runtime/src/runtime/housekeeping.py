"""Keeping tables small and their statistics true: partitions made ahead and dropped whole, old keys deleted, growth analysed."""

import asyncio
import time

from kernel.backoff import Backoff
from outbox.work import Works
from postgres.database import LOST, PoolExhaustedError
from telemetry.logs import get_logger
from web.idempotency import delete_expired

from runtime.settings import BusSettings

log = get_logger(__name__)

TIDY_EVERY_S = 3600.0
STATISTICS_EVERY_S = 2.0


class Housekeeping:
    """A kernel Role: looks at the planner's statistics every few seconds, and tidies once an hour."""

    name = "housekeeping"

    def __init__(self, works: Works, settings: BusSettings) -> None:
        self._works = works
        self._settings = settings

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; what fails is tried again soon."""
        backoff = Backoff(5.0, 300.0)
        tidy_at = 0.0
        while not stopping.is_set():
            wait_s = STATISTICS_EVERY_S
            try:
                await self.keep_statistics()
                if time.monotonic() >= tidy_at:
                    await self.tidy()
                    tidy_at = time.monotonic() + TIDY_EVERY_S
                backoff.reset()
            except (*LOST, PoolExhaustedError) as error:
                log.warning("housekeeping failed", error_type=type(error).__name__)
                wait_s = backoff.next_s()
            try:
                async with asyncio.timeout(wait_s):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def keep_statistics(self) -> None:
        """Analyse the tables that have grown, so that plans made for small tables do not stay."""
        async with self._works.begin([]) as work:
            await work.connection.execute("select keep_statistics()")

    async def tidy(self) -> None:
        """Make partitions ahead, drop old ones, forget old idempotency keys."""
        async with self._works.begin([]) as work:
            waiting_s = await work.connection.fetchval("select outbox_age_s from backlog()")
            # What the broker has not got yet stays, however old it is.
            days = max(self._settings.outbox_days, int(waiting_s / 86400) + 2)
            await work.connection.execute("select keep_partitions($1, $2)", days, self._settings.inbox_days)
        await delete_expired(self._works)
