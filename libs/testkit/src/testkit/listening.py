"""Servers of our own on ports of the loopback, within a test."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from kernel.running import run_roles
from web.server import HttpServer

from testkit.eventually import eventually

# Below 32768, from where on Linux hands ports out by itself: one that it has just told to be free may be the
# near end of somebody's connection a moment later. The ports of instances begin at 18080, the demo's end at 8119.
_PORTS = range(10_000, 18_000)
_not_yet_given = iter(random.SystemRandom().sample(_PORTS, len(_PORTS)))


def free_port() -> int:
    """Return a port of the loopback that nobody has, and that this process was never given before."""
    for port in _not_yet_given:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"all ports from {_PORTS.start} to {_PORTS.stop} were given")


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
