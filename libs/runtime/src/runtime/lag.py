"""Looking every 2 s how far this process's consumers lag behind, also when nothing comes."""

import asyncio
from collections.abc import Awaitable, Callable

from bus.consuming import Consuming
from kernel.clock import utc_now
from postgres.database import LOST, PoolExhaustedError
from telemetry.logs import get_logger

log = get_logger(__name__)

EVERY_S = 2.0

KeepLag = Callable[[float], Awaitable[None]]
"""Keeps the age, in seconds, of the oldest event that waits to be applied here."""


class LagWatch:
    """A kernel Role. `keep` is called whenever the lag is known: silence means that nobody knows it."""

    name = "lag"

    def __init__(self, consuming: Consuming, keep: KeepLag | None) -> None:
        self._consuming = consuming
        self._keep = keep

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until told to stop."""
        while not stopping.is_set():
            lag_s = self._consuming.lag_s(utc_now())
            if lag_s is not None and self._keep is not None:
                try:
                    await self._keep(lag_s)
                except (*LOST, PoolExhaustedError) as error:
                    log.warning("the lag was not kept", error_type=type(error).__name__)
            try:
                async with asyncio.timeout(EVERY_S):
                    await stopping.wait()
            except TimeoutError:
                continue
