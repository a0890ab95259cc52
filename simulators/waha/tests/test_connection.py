"""Connections to the API: what HTTP asks of them beyond a call and its answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import World


async def _say(world: World, *requests: bytes) -> bytes:
    """Write all of it at once; return what comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.running.settings.port)
    writer.write(b"".join(requests))
    async with asyncio.timeout(10):
        told = await reader.read()
    writer.close()
    return told


async def test_answers_leave_in_the_order_in_which_they_were_asked_for(world: World) -> None:
    body = b'{"session":"shop","chatId":"5511999990001@c.us","text":"hi"}'
    key = world.running.settings.api_key.encode()
    await world.control("faults", api={"slow": {"limit": 1, "seconds": [30, 30]}})
    send = b"POST /api/sendText HTTP/1.1\r\nHost: x\r\nX-Api-Key: %b\r\nContent-Length: %d\r\n\r\n%b"
    last = b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    told = await _say(world, send % (key, len(body), body), last)
    assert told.index(b"HTTP/1.1 201") < told.index(b"HTTP/1.1 200")
    assert told.endswith(b'{"message":"pong"}')


async def test_a_head_is_answered_without_a_body(world: World) -> None:
    told = await _say(world, b"HEAD /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 18\r\n" in told
    assert told.endswith(b"\r\n\r\n")


async def test_a_path_that_nobody_has_is_not_found_with_whatever_method(world: World) -> None:
    told = await _say(world, b"PUT /api/sendText HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 404")
    assert b"Cannot PUT /api/sendText" in told
