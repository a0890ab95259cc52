"""The poster against a server that answers, hangs up or says nothing, byte by byte as it is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from posting import NO_ANSWER, Poster

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSING = b"HTTP/1.1 503 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@asynccontextmanager
async def server(answers: Sequence[bytes], *, hangs_up_after: int = 100) -> AsyncIterator[tuple[str, list[int]]]:
    """Answer request after request; hand out the address, and how many requests came over each connection."""
    connections: list[int] = []
    left = iter(answers)
    opened: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = len(connections)
        connections.append(0)
        opened.append(writer)
        while connections[place] < hangs_up_after:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
            connections[place] += 1
            writer.write(next(left))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/hook", connections
        for writer in opened:
            writer.close()


async def post(poster: Poster, url: str) -> int:
    return await poster.post(url, b"{}", {"content-type": "application/json"})


async def test_one_connection_carries_request_after_request() -> None:
    poster = Poster()
    async with server([OK] * 3) as (url, connections):
        assert [await post(poster, url) for _ in range(3)] == [200] * 3
        await poster.close()
    assert connections == [3]


async def test_who_is_in_flight_together_has_a_connection_each() -> None:
    poster = Poster()
    async with server([OK] * 5) as (url, connections):
        assert await asyncio.gather(*(post(poster, url) for _ in range(5))) == [200] * 5
        await poster.close()
    assert connections == [1] * 5


async def test_a_connection_that_was_closed_while_idle_is_made_anew() -> None:
    poster = Poster()
    async with server([OK] * 2, hangs_up_after=1) as (url, connections):
        assert await post(poster, url) == 200
        await asyncio.sleep(0.05)
        assert await post(poster, url) == 200
        await poster.close()
    assert connections == [1, 1]


async def test_a_connection_that_the_server_gives_up_is_not_used_again() -> None:
    poster = Poster()
    async with server([CLOSING, OK]) as (url, connections):
        assert [await post(poster, url), await post(poster, url)] == [503, 200]
        await poster.close()
    assert connections == [1, 1]


@pytest.mark.parametrize("answer", [b"", OK[:12], OK[:-1]], ids=["nothing", "half a head", "half a body"])
@pytest.mark.parametrize("hangs_up_after", [1, 100], ids=["ended", "silent"])
async def test_half_an_answer_is_none(answer: bytes, hangs_up_after: int) -> None:
    poster = Poster(within_s=0.2)
    async with server([answer], hangs_up_after=hangs_up_after) as (url, _):
        assert await post(poster, url) == NO_ANSWER
        await poster.close()


async def test_nobody_there_is_no_answer() -> None:
    async with server([]) as (url, _):
        pass
    assert await post(Poster(), url) == NO_ANSWER
