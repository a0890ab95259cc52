"""What is due, across tenants: the finder's functions. What they return is worked off inside the tenants' walls."""

from collections.abc import Sequence

from outbox.work import Works
from telemetry.metrics import gauge

from channel_gateway.domain.sending import PRIORITIES

QUEUE_SECONDS = gauge("message_send_queue_seconds", "oldest waiting send", ("priority",))
UNKNOWN = gauge("message_send_unknown", "sends without a known outcome")

Keys = Sequence[tuple[str, str]]


class DueInPostgres:
    """Looks for due work."""

    def __init__(self, works: Works) -> None:
        self._works = works

    async def channels_to_serve(self, most: int) -> Keys:
        """Return channels (tenant, channel) with sends that nobody serves."""
        return await self._find("select tenant_id::text, channel_id::text from channels_to_serve($1)", most)

    async def held_deliveries(self, most: int) -> Keys:
        """Return held deliveries (tenant, delivery) that wait for no call any more, or have waited long enough."""
        return await self._find("select tenant_id::text, delivery_id::text from held_deliveries_due($1)", most)

    async def sends_to_look_up(self, most: int) -> Keys:
        """Return unknown sends (tenant, message) for which evidence is to be looked for."""
        return await self._find("select tenant_id::text, message_id::text from sends_to_look_up($1)", most)

    async def sends_to_end(self, most: int) -> Keys:
        """Return waiting sends (tenant, message) whose time is over or whose channel was switched off."""
        return await self._find("select distinct tenant_id::text, message_id::text from sends_to_end($1)", most)

    async def checks(self, most: int) -> Keys:
        """Return channels (tenant, channel) whose provider session is to be looked at."""
        return await self._find("select tenant_id::text, channel_id::text from checks_due($1)", most)

    async def measure(self) -> None:
        """Show how long sends have waited, and how many are unknown."""
        async with self._works.database.connection() as connection:
            waiting = await connection.fetch("select priority, oldest_s from sends_waiting()")
            unknown = await connection.fetchval("select sends_unknown()")
        for priority, oldest_s in waiting:
            QUEUE_SECONDS.labels(PRIORITIES[priority]).set(oldest_s or 0.0)
        UNKNOWN.set(unknown)

    async def _find(self, statement: str, most: int) -> Keys:
        async with self._works.database.connection() as connection:
            return [(row[0], row[1]) for row in await connection.fetch(statement, most)]
