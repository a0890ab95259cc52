"""Calls to addresses that customers gave us: each connect goes to what was checked in that moment, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from channel_gateway.adapters.waha.client import MOST_BYTES, WahaClient
from channel_gateway.application.messenger import Server
from channel_gateway.domain.outgoing_addresses import OutgoingAddresses

NAME = "waha.example.test"


class Provider:
    """A server on loopback that answers what it is told to (nothing: it hangs up), and remembers what it was asked."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + b'{"id": "1"}'
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
                if not self.answer:
                    return writer.close()
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    serving = Provider()
    server = await asyncio.start_server(serving.serve, "127.0.0.1", 0)
    serving.port = server.sockets[0].getsockname()[1]
    try:
        yield serving
    finally:
        server.close()


class Names:
    """A resolver whose mind can be changed."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] = addresses
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.addresses


def client_of(names: Names, *allowed: str) -> WahaClient:
    return WahaClient(OutgoingAddresses(names, allowed=allowed), answer_s=2.0)


def server_at(host: str, port: int, scheme: str = "http") -> Server:
    return Server(f"{scheme}://{host}:{port}", "shop", "the-key")


async def test_a_call_goes_to_the_address_that_was_checked_under_the_name_of_the_host() -> None:
    async with provider() as waha:
        client = client_of(Names("127.0.0.1"), f"{NAME}:{waha.port}")
        answer = await client.call(server_at(NAME, waha.port), "GET", "/api/a%2Fb", query={"x": "1 2"})
        assert (answer.status, answer.body) == (200, {"id": "1"})
        (heard,) = waha.heard
        assert heard.startswith(b"GET /api/a%2Fb?x=1+2 HTTP/1.1\r\n")
        assert f"Host: {NAME}:{waha.port}\r\n".encode() in heard and b"X-Api-Key: the-key\r\n" in heard
        assert b"User-Agent" not in heard and b"Accept-Encoding" not in heard
        await client.close()


async def test_the_first_address_that_answers_is_taken() -> None:
    async with provider() as waha:
        client = client_of(Names("127.0.0.2", "127.0.0.1"), f"{NAME}:{waha.port}")
        assert (await client.call(server_at(NAME, waha.port), "GET", "/")).status == 200
        await client.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "::1", "169.254.169.254"])
async def test_a_name_that_points_inside_by_now_is_not_called(address: str) -> None:
    client = client_of(Names(address))
    answer = await client.call(server_at(NAME, 8443, "https"), "POST", "/api/sendText", body={})
    assert (answer.status, answer.left) == (None, False)
    await client.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "2130706433", "127.1"])
async def test_an_inner_address_that_is_written_out_is_not_called(host: str) -> None:
    async with provider() as waha:
        client = client_of(Names("127.0.0.1"))
        for port in (waha.port, 8443):
            answer = await client.call(server_at(host, port, "http"), "POST", "/api/sendText", body={})
            assert (answer.status, answer.left) == (None, False)
        assert waha.heard == []
        await client.close()


async def test_each_connect_looks_the_name_up_again() -> None:
    async with provider() as waha:
        names = Names("127.0.0.1")
        client = client_of(names, f"{NAME}:{waha.port}")
        waha.answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        for _ in range(3):
            assert (await client.call(server_at(NAME, waha.port), "GET", "/")).status == 204
        assert names.asked == 3
        names.addresses = ()
        answer = await client.call(server_at(NAME, waha.port), "GET", "/")
        assert (answer.status, answer.left) == (None, False)
        await client.close()


async def test_a_redirect_is_an_answer_and_a_cookie_is_forgotten() -> None:
    async with provider() as waha:
        client = client_of(Names("127.0.0.1"), f"{NAME}:{waha.port}")
        waha.answer = (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/inside\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
        )
        for _ in range(2):
            assert (await client.call(server_at(NAME, waha.port), "POST", "/api/sendText", body={})).status == 302
        assert len(waha.heard) == 2 and b"Cookie" not in waha.heard[1]
        await client.close()


async def test_a_post_whose_kept_alive_connection_breaks_is_not_repeated() -> None:
    async with provider() as waha:
        client = client_of(Names("127.0.0.1"), f"{NAME}:{waha.port}")
        assert (await client.call(server_at(NAME, waha.port), "POST", "/api/sendText", body={})).status == 200

        waha.answer = b""
        answer = await client.call(server_at(NAME, waha.port), "POST", "/api/sendText", body={})
        assert (answer.status, answer.left) == (None, True), "it may have been read"
        assert len(waha.heard) == 2
        await client.close()


async def test_an_endless_answer_is_not_read() -> None:
    async with provider() as waha:
        client = client_of(Names("127.0.0.1"), f"{NAME}:{waha.port}")
        waha.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MOST_BYTES * 2) + b" " * (MOST_BYTES * 2)
        answer = await client.call(server_at(NAME, waha.port), "GET", "/")
        assert (answer.status, answer.body) == (200, None)
        await client.close()


async def test_nobody_there_means_that_nothing_left() -> None:
    client = client_of(Names("127.0.0.1"), f"{NAME}:1")
    answer = await client.call(server_at(NAME, 1), "POST", "/api/sendText", body={})
    assert (answer.status, answer.left) == (None, False)
    await client.close()
