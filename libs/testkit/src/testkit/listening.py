"""Servers of our own on ports of the loopback, within a test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from kernel.running import run_roles
from web.server import HttpServer

from testkit.eventually import eventually


def free_port() -> int:
    """Return a port of the loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(*servers: HttpServer) -> AsyncIterator[asyncio.Event]:
    """Run servers as roles; yields what stops them. Leaves when they have ended."""
    stop = asyncio.Event()
    running = asyncio.create_task(run_roles(servers, stop=stop))
    try:
        for server in servers:
            ready = partial(_listens, running, server._port)
            await eventually(ready, because="the server listens")
        if running.done():
            running.result()
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)


def answers(port: int) -> bool:
    """Tell whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _listens(running: "asyncio.Task[None]", port: int) -> bool:
    return running.done() or answers(port)
