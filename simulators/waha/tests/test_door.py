"""The door leaves no connection behind."""

import asyncio
from collections.abc import Callable

import pytest
from waha_simulator.server import RunningSimulator
from waha_simulator.settings import Settings


async def test_who_is_still_inside_when_it_closes_is_turned_away_and_nobody_else_comes_in(
    free_ports: Callable[[], int],
) -> None:
    settings = Settings(api_key="a", control_key="c", port=free_ports())
    running = RunningSimulator(settings)
    await running.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.port)
    writer.write(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.write(b"GET /ping HTTP/1.1\r\nHost: x\r\n")
    await running.stop()
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(5):
            while await reader.read(4096):
                pass
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", settings.port)
    writer.close()
