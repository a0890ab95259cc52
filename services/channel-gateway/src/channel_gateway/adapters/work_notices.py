"""Being woken by a commit, here or in another process: a connection of our own that listens for what there is to do."""

import asyncio
from collections.abc import Callable, Mapping

import asyncpg
from kernel.backoff import Backoff
from postgres.database import LOST
from telemetry.logs import get_logger

log = get_logger(__name__)

CHANNEL = "channel_gateway_work"
ALIVE_S = 30.0


class WorkNotices:
    """A kernel Role: wakes those who poll. Their polling stays the truth."""

    name = "work notices"

    def __init__(self, dsn: str, wakes: Mapping[str, Callable[[], None]]) -> None:
        """`wakes` by the word that is said."""
        self._dsn = dsn
        self._wakes = wakes

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until told to stop."""
        backoff = Backoff(0.5, 10.0)
        while not stopping.is_set():
            try:
                await self._listen(stopping)
                backoff.reset()
            except LOST as error:
                log.warning("nobody is woken by commits now", error_type=type(error).__name__)
                await _wait(stopping, backoff.next_s())

    async def _listen(self, stopping: asyncio.Event) -> None:
        settings = {"application_name": "channel-gateway-notices"}
        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=10, server_settings=settings)
        try:
            await connection.add_listener(CHANNEL, lambda _connection, _process, _channel, word: self._wake(word))
            for wake in self._wakes.values():
                wake()  # for what was said before we listened
            while not stopping.is_set():
                await _wait(stopping, ALIVE_S)
                await connection.execute("select 1")
        finally:
            connection.terminate()

    def _wake(self, word: object) -> None:
        wake = self._wakes.get(str(word))
        if wake is not None:
            wake()


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
