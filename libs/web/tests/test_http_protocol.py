"""Bytes on a connection: what is posted to a door, and what goes to the application on the same one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import web.http_protocol
from kernel.errors import DomainError
from starlette.responses import PlainTextResponse
from testkit.listening import free_port, serving
from web.posting import Posting, Reply
from web.server import HttpServer

POST = b"POST /door/%b HTTP/1.1\r\nHost: x\r\nX-Mark: a\r\nContent-Length: %d\r\n\r\n%b"


class Door:
    """Says what was posted; `held` keeps it from answering."""

    prefix = "/door/"
    max_bytes = 1000

    def __init__(self) -> None:
        self.posted: list[Posting] = []
        self.held = asyncio.Event()
        self.held.set()

    async def answer(self, posting: Posting) -> Reply:
        self.posted.append(posting)
        await self.held.wait()
        return Reply(200, b"x-door: yes\r\n", posting.body.upper())

    def refuse(self, error: DomainError, path: str) -> Reply:
        return Reply({"payload_too_large": 413, "request_timeout": 408}[error.code], b"", path.encode())


async def app(scope, receive, send) -> None:
    await PlainTextResponse(f"app {scope['path']}")(scope, receive, send)


class Connection:
    """One connection, and what comes back on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def post(self, body: bytes, place: bytes = b"1") -> None:
        self.writer.write(POST % (place, len(body), body))

    async def answer(self) -> tuple[int, bytes]:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        if head.startswith(b"HTTP/1.1 100"):
            return 100, b""
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return int(head[9:12]), await asyncio.wait_for(self.reader.readexactly(length), 5)

    async def ended(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 5) == b""


@asynccontextmanager
async def at_the_door(door: Door) -> AsyncIterator[tuple[Connection, asyncio.Event]]:
    port = free_port()
    async with serving(HttpServer(app, "127.0.0.1", port, door=door)) as stop:
        connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
        try:
            yield connection, stop
        finally:
            connection.writer.close()


async def test_one_connection_takes_postings_and_requests_of_the_application_in_turn() -> None:
    door = Door()
    async with at_the_door(door) as (connection, _):
        for _ in range(3):
            connection.post(b"hello")
            assert await connection.answer() == (200, b"HELLO")
            connection.writer.write(b"GET /door/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await connection.answer() == (200, b"app /door/1")
            connection.writer.write(b"POST /elsewhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            assert await connection.answer() == (200, b"app /elsewhere")
    assert (b"x-mark", b"a") in door.posted[0].headers


async def test_a_posting_may_come_byte_by_byte_or_in_chunks_and_its_path_is_decoded() -> None:
    door = Door()
    async with at_the_door(door) as (connection, _):
        for byte in POST % (b"a%20b?c=d", 3, b"abc"):
            connection.writer.write(bytes([byte]))
            await connection.writer.drain()
        assert await connection.answer() == (200, b"ABC")
        connection.writer.write(b"POST /door/2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.writer.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert await connection.answer() == (200, b"ABCDE")
        connection.writer.write(
            b"POST /door/3 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
        )
        assert await connection.answer() == (100, b"")
        connection.writer.write(b"x")
        assert await connection.answer() == (200, b"X")
    assert [each.path for each in door.posted] == ["/door/a b", "/door/2", "/door/3"]


async def test_what_is_pipelined_behind_a_posting_is_left_to_its_sender() -> None:
    """RFC 9112, 9.3.2: a server may close; the client repeats what was not answered."""
    door = Door()
    door.held.clear()
    async with at_the_door(door) as (connection, _):
        connection.post(b"first")
        connection.post(b"second")
        await asyncio.sleep(0.1)
        door.held.set()
        assert await connection.answer() == (200, b"FIRST")
        assert await connection.ended()
    assert [each.body for each in door.posted] == [b"first"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_posting_above_the_limit_is_refused_while_it_is_still_being_written(chunked: bool) -> None:
    door = Door()
    async with at_the_door(door) as (connection, _):
        if chunked:
            connection.writer.write(b"POST /door/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(50):
                connection.writer.write(b"3e8\r\n" + b" " * 1000 + b"\r\n")
        else:
            connection.writer.write(
                b"POST /door/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b" " * 50_000
            )
        await connection.writer.drain()
        assert await connection.answer() == (413, b"/door/1")
        assert await connection.ended()
    assert door.posted == []


async def test_a_body_that_does_not_come_is_answered_and_a_head_that_does_not_end_is_not(monkeypatch) -> None:
    monkeypatch.setattr(web.http_protocol, "READ_WITHIN_S", 0.2)
    async with at_the_door(Door()) as (connection, _):
        connection.writer.write(b"POST /door/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow")
        assert await connection.answer() == (408, b"/door/1")
        assert await connection.ended()
    async with at_the_door(Door()) as (connection, _):
        connection.writer.write(b"POST /door/1 HTTP/1.1\r\nHost:")
        assert await connection.ended()
    async with at_the_door(Door()) as (connection, _):
        connection.writer.write(b"GET / HTTP/1.1\r\n")
        for _ in range(200):
            connection.writer.write(b"x-more: " + b"x" * 1000 + b"\r\n")
            await asyncio.sleep(0)
        await connection.writer.drain()
        assert (await connection.answer())[0] == 431


async def test_an_idle_connection_ends_and_one_that_waits_for_its_answer_does_not(monkeypatch) -> None:
    monkeypatch.setattr(web.http_protocol, "IDLE_S", 0.2)
    door = Door()
    door.held.clear()
    async with at_the_door(door) as (connection, _):
        connection.post(b"a")
        await asyncio.sleep(2.5)
        door.held.set()
        assert await connection.answer() == (200, b"A")
        assert await connection.ended()


async def test_stopping_answers_what_was_posted_and_closes_what_is_idle() -> None:
    door = Door()
    door.held.clear()
    async with at_the_door(door) as (connection, stop):
        connection.post(b"a")
        await asyncio.sleep(0.1)
        stop.set()
        await asyncio.sleep(0.4)
        door.held.set()
        assert await connection.answer() == (200, b"A")
        assert await connection.ended()


async def test_a_door_that_fails_leaves_nobody_waiting() -> None:
    door = Door()

    async def fail(posting: Posting) -> Reply:
        raise RuntimeError

    door.answer = fail  # type: ignore[method-assign]
    async with at_the_door(door) as (connection, _):
        connection.post(b"a")
        assert await connection.ended()


async def test_a_sender_that_hangs_up_leaves_its_posting_with_the_door() -> None:
    door = Door()
    door.held.clear()
    async with at_the_door(door) as (connection, _):
        connection.post(b"a")
        await asyncio.sleep(0.1)
        connection.writer.close()
        await asyncio.sleep(0.1)
        door.held.set()
        await asyncio.sleep(0.1)
    assert [each.body for each in door.posted] == [b"a"]
