"""Connecting to the broker: bounded, with a heartbeat, and without anything that reconnects behind our back.

A connection that is lost takes its channels and delivery tags with it; whoever used it starts over from nothing. That is simpler to
reason about than a connection that restores half of its state.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import AMQPError, ChannelInvalidStateError

BROKER_ERRORS = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)
"""What a broker that is away, restarting, blocked or unfriendly makes us see."""

CONNECT_TIMEOUT_S = 5.0
SETUP_TIMEOUT_S = 15.0
HEARTBEAT_S = 8
"""Seconds. The driver gives a silent connection up after three times one second more than this, and looks every half of it: within 35 s."""


async def connect(url: str, name: str) -> AbstractConnection:
    """Open a connection called `name` in the broker's own lists; raise one of BROKER_ERRORS within 5 s.

    The heartbeat is HEARTBEAT_S unless the address names another.
    """
    if "heartbeat=" not in url:
        url += f"{'&' if '?' in url else '?'}heartbeat={HEARTBEAT_S}"
    return await aio_pika.connect(url, timeout=CONNECT_TIMEOUT_S, client_properties={"connection_name": name})


@asynccontextmanager
async def connected(url: str, name: str) -> AsyncIterator[AbstractConnection]:
    """Lend a connection and close it afterwards, whatever happened."""
    connection = await connect(url, name)
    try:
        yield connection
    finally:
        await close(connection)


async def close(connection: AbstractConnection) -> None:
    """Close within bounded time, without complaint: the broker forgets a dead connection by itself."""
    try:
        async with asyncio.timeout(2):
            await connection.close()
    except BROKER_ERRORS:
        pass


async def open_consuming_channel(
    connection: AbstractConnection, prefetch: int, over: Callable[[], object]
) -> AbstractChannel:
    """Open a channel for consuming; `over` is called when it closes, its connection does, or the broker cancels a consumer.

    A broker cancels when a queue's leader moves or dies: the channel lives on, and nothing is delivered any more.
    """
    async with asyncio.timeout(SETUP_TIMEOUT_S):
        channel = await connection.channel(publisher_confirms=False)
        connection.close_callbacks.add(lambda *_: over())
        channel.close_callbacks.add(lambda *_: over())
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(lambda *_: over())
        await channel.set_qos(prefetch_count=prefetch)
        return channel
