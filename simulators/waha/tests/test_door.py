"""The door leaves no connection behind."""

import asyncio
import socket

from testkit.eventually import eventually
from waha_simulator.door import Door


async def test_who_is_still_being_let_in_when_it_closes_is_turned_away() -> None:
    with socket.socket() as inner, socket.socket() as first, socket.socket() as second:
        inner.bind(("127.0.0.1", 0))
        inner.listen(0)
        for filling in (first, second):  # whoever comes next waits for an answer that does not come
            filling.setblocking(False)
            filling.connect_ex(inner.getsockname())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        door = Door("127.0.0.1", port, inner.getsockname()[1])
        await door.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await eventually(lambda: bool(door._relays), every_s=0.01)
        await door.close()
        try:
            async with asyncio.timeout(5):
                assert await reader.read() == b""
        except ConnectionResetError:
            pass
        writer.close()
