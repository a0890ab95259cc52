"""A server that a customer names may be anybody: what it answers is bounded, leads nowhere else, and learns nothing but its own."""

import asyncio
import gzip
import resource
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import pytest
from channel_gateway.adapters.waha import client as calling
from channel_gateway.adapters.waha.client import HttpAnswer, WahaClient
from channel_gateway.application.messenger import Server
from channel_gateway.domain.outgoing_addresses import OutgoingAddresses

NAME = "waha.example.test"


@asynccontextmanager
async def answering(pieces: Iterable[bytes], every_s: float = 0.0) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve on loopback: the same pieces to whoever asks, one after the other; give the port, and what is heard."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(every_s)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


async def resolve(_: str, __: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def call(port: int) -> HttpAnswer:
    client = WahaClient(OutgoingAddresses(resolve, allowed=[f"{NAME}:{port}"]), answer_s=0.3)
    try:
        return await client.call(Server(f"http://{NAME}:{port}", "shop", "the-key"), "POST", "/api/sendText", body={})
    finally:
        await client.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_and_nobody_else_gets_the_key(status: int) -> None:
    async with answering([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) as (inside, asked_inside):
        head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: http://127.0.0.1:{inside}/\r\nContent-Length: 0\r\n\r\n"
        async with answering([head.encode()]) as (port, asked):
            answer = await call(port)
    assert (answer.status, answer.succeeded, len(asked), asked_inside) == (status, False, 1, [])


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) as (proxy, through_proxy):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
            monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{proxy}")
        async with answering([b"HTTP/1.1 204 No Content\r\n\r\n"]) as (port, asked):
            assert (await call(port)).status == 204
    assert (len(asked), through_proxy) == (1, [])


async def test_an_answer_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "CONNECT_S", 0.1)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    async with answering([head, *[b"x"] * 1000], every_s=0.05) as (port, _):
        began = time.monotonic()
        answer = await call(port)
    assert answer.status is None
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("what", ["headers", "one header"])
async def test_more_headers_than_anybody_sends_are_not_kept(what: str) -> None:
    lines = (b"X-%d: x\r\n" % number for number in range(100_000)) if what == "headers" else [b"X: " + b"x" * 10**7]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with answering([b"HTTP/1.1 200 OK\r\n", b"".join(lines), b"\r\n\r\n"]) as (port, _):
        assert (await call(port)).status is None
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 64 * 1024


async def test_what_is_packed_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * 10**8)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with answering([head + bomb]) as (port, _):
        answer = await call(port)
    assert (answer.status, answer.body) == (200, None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
