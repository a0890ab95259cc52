"""What all replicas of the gateway count together: numbers in Redis, through `limits`. Never anything that has to last.

While Redis is away nothing is told, so that each replica goes on with its own count; it is asked again every second.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from telemetry.logs import get_logger
from telemetry.metrics import counter, gauge

log = get_logger(__name__)

ANSWER_S = 0.25
"""How long an answer may take; a request waits no longer than that for its count."""

ASK_AGAIN_S = 1.0
MOST_CONNECTIONS = 32
PREFIX = "ventros:rates"
AWAY = "Redis does not answer, each gateway limits rates by itself"

SHARED = gauge("rate_limits_shared", "1 while all replicas count together, 0 while each counts for itself")
FAILURES = counter("rate_limit_store_failures_total", "counts that Redis did not take, or did not tell")

T = TypeVar("T")


class Counts(Protocol):
    """Numbers that are shared; None where nobody can tell."""

    async def add(self, whom: str, window_s: int) -> int | None:
        """Count one in a window that the first one begins; return how many there are now."""

    async def left_s(self, whom: str) -> float | None:
        """Return how long the window of somebody still lasts."""


class RedisCounts:
    """Shared by all gateways that name the same Redis."""

    def __init__(self, url: str, now: Callable[[], float] = time.monotonic) -> None:
        # One attempt: a count that comes late is worth less than the request that waits for it.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MOST_CONNECTIONS,
            timeout=ANSWER_S,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._pool = pool
        options: dict[str, Any] = {"connection_pool": pool}
        self._storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix=PREFIX, **options)
        self._now = now
        self._not_before = 0.0
        self.away = False

    async def add(self, whom: str, window_s: int) -> int | None:
        """Count one; return how many there are now."""
        return await self._ask(lambda: self._storage.incr(whom, window_s))

    async def left_s(self, whom: str) -> float | None:
        """Return how long somebody's window still lasts."""
        ends_at = await self._ask(lambda: self._storage.get_expiry(whom))
        return None if ends_at is None else ends_at - time.time()

    async def answers(self) -> bool:
        """Tell whether Redis answers now."""
        return bool(await self._storage.check())

    async def close(self) -> None:
        """Close its connections."""
        await self._pool.disconnect()

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        now = self._now()
        if self.away:
            if now < self._not_before:
                return None
            self._not_before = now + ASK_AGAIN_S  # the others go on without, while this one looks
        try:
            async with asyncio.timeout(ANSWER_S):  # the wait for a connection, and for it to be made, included
                told = await question()
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
            await self._pool.disconnect(
                inuse_connections=False
            )  # the idle ones are dead, too, and would fail one by one
            return None
        if self.away:
            log.info("Redis answers again, rate limits are shared")
        self.away = False
        SHARED.set(1)
        return told

    def _note_failure(self, error: Exception) -> None:
        FAILURES.inc()
        SHARED.set(0)
        if not self.away:
            log.warning(AWAY, reason=type(error).__name__)
        self.away = True
        self._not_before = self._now() + ASK_AGAIN_S
