"""Connecting to the broker: bounded, with a heartbeat, and without anything that reconnects behind our back.

A connection that is lost takes its channels and delivery tags with it; whoever used it starts over from nothing. That is simpler to
reason about than a connection that restores half of its state.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import AMQPError, ChannelInvalidStateError

BROKER_ERRORS = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)
"""What a broker that is away, restarting, blocked or unfriendly makes us see."""

CONNECT_TIMEOUT_S = 5.0
HEARTBEAT_S = 10


async def connect(url: str, name: str) -> AbstractConnection:
    """Open a connection called `name` in the broker's own lists; raise one of BROKER_ERRORS within 5 s.

    The heartbeat is 10 s (a dead peer is noticed within 33 s) unless the address names another.
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
