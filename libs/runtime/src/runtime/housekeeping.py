"""Keeping tables small and their statistics true: partitions made ahead and dropped whole, old keys deleted, growth analysed."""

import asyncio
import time

from outbox.regularly import regularly
from outbox.work import Works
from web.idempotency import delete_expired

from runtime.settings import BusSettings

TIDY_EVERY_S = 3600.0
STATISTICS_EVERY_S = 2.0


class Housekeeping:
    """A kernel Role: looks at the planner's statistics every few seconds, and tidies once an hour."""

    name = "housekeeping"

    def __init__(self, works: Works, settings: BusSettings) -> None:
        self._works = works
        self._settings = settings
        self._tidy_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop."""
        await regularly(self.name, self.run_once, stopping, every_s=STATISTICS_EVERY_S)

    async def run_once(self) -> None:
        """Do what is due."""
        await self.keep_statistics()
        if time.monotonic() >= self._tidy_at:
            await self.tidy()
            self._tidy_at = time.monotonic() + TIDY_EVERY_S

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
