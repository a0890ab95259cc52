"""One parser, and it doubts: what two readers could understand as different requests is refused before anybody acts on it."""

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from testkit.listening import free_port, serving
from web.server import HttpServer

HEAD = b"POST /first HTTP/1.1\r\nHost: x\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

DOUBTFUL = {
    "length and encoding": HEAD + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN,
    "encoding and length": HEAD + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": HEAD + b"Content-Length: 0\r\nContent-Length: 36\r\n\r\n" + HIDDEN,
    "one length twice": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    "a list of lengths": HEAD + b"Content-Length: 2, 2\r\n\r\nhi",
    "a negative length": HEAD + b"Content-Length: -2\r\n\r\nhi",
    "a signed length": HEAD + b"Content-Length: +2\r\n\r\nhi",
    "a length in hex": HEAD + b"Content-Length: 0x2\r\n\r\nhi",
    "an encoding of nobody": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks that are not the last": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "an encoding twice": HEAD + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "a blank before the colon": HEAD + b"Content-Length : 2\r\n\r\nhi",
    "a folded header": HEAD + b"X: a\r\n Content-Length: 36\r\n\r\n" + HIDDEN,
    "bare line feeds": b"POST /first HTTP/1.1\nHost: x\nContent-Length: 2\n\nhi",
    "a bare carriage return": HEAD + b"X: a\rContent-Length: 36\r\n\r\n" + HIDDEN,
    "a broken extension of a chunk": HEAD + CHUNKED + b"\r\n2;a=b\nhi\r\n0\r\n\r\n" + HIDDEN,
    "a negative chunk": HEAD + CHUNKED + b"\r\n-1\r\n\r\n" + HIDDEN,
    "NUL in a header": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("what", DOUBTFUL)
async def test_what_can_be_read_in_two_ways_is_400_and_reaches_nobody(what: str) -> None:
    reached: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await Request(scope, receive).body()
        except ClientDisconnect:
            return
        reached.append(scope["path"])
        await PlainTextResponse("taken")(scope, receive, send)

    port = free_port()
    async with serving(HttpServer(app, "127.0.0.1", port)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(DOUBTFUL[what])
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"HTTP/1.1") == 1
    assert reached == []
