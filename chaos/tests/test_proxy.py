"""The proxy misbehaves as it is told, and otherwise changes nothing: against real sockets."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from proxy import LOOPBACK, Proxy, Way
from testkit.eventually import eventually

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(4096):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    writer.close()


@asynccontextmanager
async def proxied(talk: Talk = echo, seed: int = 0) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(talk, LOOPBACK, 0)
    proxy = Proxy(server.sockets[0].getsockname()[1], seed=seed)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
        server.close()


async def connect(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(2):
        return await asyncio.open_connection(LOOPBACK, proxy.port)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> bytes:
    writer.write(sent)
    return await reader.readexactly(len(sent))


async def test_left_alone_it_changes_no_byte() -> None:
    sent = random.Random(1).randbytes(3_000_000)
    async with proxied() as proxy, asyncio.timeout(10):
        reader, writer = await connect(proxy)
        writing = asyncio.create_task(_write(writer, sent))
        assert await reader.readexactly(len(sent)) == sent
        await writing
        writer.close()
    assert proxy.passed == 2 * len(sent)


async def _write(writer: asyncio.StreamWriter, sent: bytes) -> None:
    writer.write(sent)
    await writer.drain()


async def test_an_end_that_one_side_makes_reaches_the_other() -> None:
    ended = asyncio.Event()

    async def hears_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b"bye"
        ended.set()
        writer.close()

    async with proxied(hears_the_end) as proxy, asyncio.timeout(5):
        _, writer = await connect(proxy)
        writer.write(b"bye")
        writer.close()
        await ended.wait()
        await asyncio.sleep(0.05)
        assert proxy.links == set()


@pytest.mark.parametrize("way", [Way.TO_SERVER, Way.TO_CLIENT])
async def test_one_way_can_be_cut_and_what_was_said_meanwhile_arrives_afterwards(way: Way) -> None:
    heard = bytearray()

    async def hears(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(100):
            heard.extend(chunk)
            writer.write(chunk)

    async with proxied(hears) as proxy, asyncio.timeout(5):
        reader, writer = await connect(proxy)
        assert await answer(reader, writer, b"before") == b"before"
        proxy.stall(way)
        writer.write(b"during")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.readexactly(6)
        assert bytes(heard) == (b"before" if way is Way.TO_SERVER else b"beforeduring")
        assert proxy.bites.held == 1
        proxy.heal()
        assert await reader.readexactly(6) == b"during"


async def test_new_connections_wait_too_while_it_is_cut() -> None:
    async with proxied() as proxy, asyncio.timeout(5):
        proxy.stall()
        reader, writer = await connect(proxy)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await answer(reader, writer, b"hello")
        proxy.heal()
        assert await reader.readexactly(5) == b"hello"


async def test_half_open_connections_tell_neither_side_and_new_ones_work() -> None:
    async with proxied() as proxy, asyncio.timeout(5):
        reader, writer = await connect(proxy)
        assert await answer(reader, writer, b"1") == b"1"
        assert proxy.half_open() == 1
        writer.write(b"2")
        await writer.drain()
        proxy.heal()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read(1)
        other_reader, other_writer = await connect(proxy)
        assert await answer(other_reader, other_writer, b"3") == b"3"
        assert proxy.unnoticed() == 1
        writer.close()
        await eventually(lambda: _noticed(proxy), within_s=2, because="the client has given it up")


async def test_a_server_that_dies_behind_a_half_open_connection_is_not_reported_either() -> None:
    ended = asyncio.Event()

    async def ends_when_told(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    async with proxied(ends_when_told) as proxy, asyncio.timeout(5):
        reader, writer = await connect(proxy)
        await asyncio.sleep(0.05)
        proxy.half_open()
        ended.set()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read(1)
        writer.close()


async def _noticed(proxy: Proxy) -> bool:
    return proxy.unnoticed() == 0


async def test_a_reset_comes_inside_of_what_was_written_after_the_number_of_bytes_that_the_seed_says() -> None:
    async def passed(seed: int) -> int:
        heard = 0

        async def counts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal heard
            try:
                while chunk := await reader.read(100):
                    heard += len(chunk)
            except ConnectionResetError:
                writer.transport.abort()

        async with proxied(counts, seed) as proxy, asyncio.timeout(5):
            proxy.tear(Way.TO_SERVER, 1, 999)
            reader, writer = await connect(proxy)
            writer.write(b"x" * 1000)
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
            assert proxy.bites.resets == proxy.bites.torn == 1
            await eventually(lambda: _no_links(proxy), within_s=2, because="the proxy has ended it")
            assert heard == proxy.passed
            return heard

    first = await passed(7)
    assert 0 < first < 1000
    assert first == await passed(7)
    assert {await passed(seed) for seed in range(5)} != {first}


async def _no_links(proxy: Proxy) -> bool:
    return not proxy.links


async def test_both_sides_see_a_reset_and_not_an_end() -> None:
    seen: list[str] = []

    async def watches(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(10):
                pass
            seen.append("end")
        except ConnectionResetError:
            seen.append("reset")
        writer.transport.abort()

    async with proxied(watches) as proxy, asyncio.timeout(5):
        reader, writer = await connect(proxy)
        writer.write(b"hello")
        await asyncio.sleep(0.05)
        assert proxy.reset() == 1
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        await asyncio.sleep(0.05)
        assert seen == ["reset"]


async def test_it_delays_and_keeps_the_order() -> None:
    async with proxied() as proxy, asyncio.timeout(10):
        reader, writer = await connect(proxy)
        proxy.delay(0.05, 0.1)
        started = asyncio.get_running_loop().time()
        for number in range(5):
            assert await answer(reader, writer, b"%d" % number) == b"%d" % number
        assert asyncio.get_running_loop().time() - started >= 5 * 2 * 0.05
        assert proxy.bites.delayed == 10


async def test_it_refuses_and_listens_again_on_the_same_port() -> None:
    async with proxied() as proxy, asyncio.timeout(5):
        reader, writer = await connect(proxy)
        assert await answer(reader, writer, b"1") == b"1"
        await proxy.refuse()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        with pytest.raises(ConnectionRefusedError):
            await connect(proxy)
        await proxy.open()
        reader, writer = await connect(proxy)
        assert await answer(reader, writer, b"2") == b"2"


async def test_closing_ends_everything_also_what_is_stalled_or_half_open() -> None:
    async with proxied() as proxy, asyncio.timeout(5):
        writers = []
        for fault in (proxy.stall, proxy.half_open):
            _, writer = await connect(proxy)
            writers.append(writer)
            writer.write(b"hello")
            await asyncio.sleep(0.05)
            fault()
        await proxy.close()
        assert proxy.links == set()
        for writer in writers:
            writer.close()
