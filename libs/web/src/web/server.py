"""Granian's embedded server, which calls itself experimental: this file alone touches it."""

import asyncio
import errno
import os
import socket
import threading
import time

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from kernel.settings import SettingsError
from starlette.types import ASGIApp
from telemetry.logs import get_logger

from web.app import ServiceApp, refuse_undeclared

log = get_logger(__name__)

GRACE_S = 20
"""How long requests in flight may take to end after stopping began."""

HEADER_READ_TIMEOUT_MS = 30_000
"""Also what an idle kept-alive connection is given: WAHA reuses its sockets for 4 s."""


THREADS_END_WITHIN_S = 0.5


class PortTakenError(SettingsError):
    """Somebody else listens there already, or we may not: one sentence that says what to do."""


class _NativeThreads:
    """Waits for the server's own threads after the last server has stopped.

    They outlive `serve()` by some milliseconds. An interpreter that ends meanwhile is aborted by them (seen in one of
    eight processes; emmett-framework/granian#693).
    """

    def __init__(self) -> None:
        self._servers = 0
        self._before: set[str] = set()

    def enter(self) -> None:
        """Note that a server starts."""
        if self._servers == 0:
            self._before = _threads_unknown_to_python()
        self._servers += 1

    async def leave(self) -> None:
        """Note that a server has stopped; the last one waits."""
        self._servers -= 1
        deadline = time.monotonic() + THREADS_END_WITHIN_S
        while self._servers == 0 and _threads_unknown_to_python() - self._before:
            if time.monotonic() > deadline:
                # Threads of the loop itself (name look-ups) look the same from here, and stay.
                log.debug("native threads are still there")
                return
            await asyncio.sleep(0.005)


def _threads_unknown_to_python() -> set[str]:
    known = {str(thread.native_id) for thread in threading.enumerate()}
    try:
        return set(os.listdir("/proc/self/task")) - known  # noqa: PTH208 - pathlib reads the same with more work
    except OSError:
        return set()


_native_threads = _NativeThreads()


class HttpServer:
    """A kernel Role: serves an application on the running loop until told to stop; requests in flight then finish."""

    def __init__(self, app: ASGIApp, host: str, port: int, name: str = "api") -> None:
        self.name = name
        self._app = app
        self._host = host
        self._port = port

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve. Raises PortTakenError or UndeclaredRouteError before anything is served."""
        if isinstance(self._app, ServiceApp):
            refuse_undeclared(self._app)  # again: somebody may have added routes to the finished application
        refuse_taken_port(self._host, self._port, self.name)
        server = Server(
            self._app,
            address=self._host,
            port=self._port,
            # The application has no lifespan: what it needs is opened before and closed after by the composition root.
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_READ_TIMEOUT_MS),
            websockets=True,
            backlog=1024,
            backpressure=512,
            log_level=LogLevels.error,
            # Only levels: its own set-up would take the process's log handlers away.
            log_dictconfig={"version": 1, "incremental": True, "handlers": {}, "formatters": {}, "loggers": {}},
        )
        server.workers_kill_timeout = GRACE_S
        _native_threads.enter()
        serving = asyncio.create_task(server.serve(), name=f"serving {self.name}")
        told = asyncio.create_task(stopping.wait())
        log.info("listening", role=self.name, host=self._host, port=self._port)
        try:
            await asyncio.wait([serving, told], return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                server.stop()  # type: ignore[no-untyped-call]
            await serving
        finally:
            told.cancel()
            await _native_threads.leave()
        log.info("stopped listening", role=self.name, port=self._port)


def refuse_taken_port(host: str, port: int, name: str) -> None:
    """Raise PortTakenError unless the port can be had. The server itself would answer with a native backtrace."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            why = {
                errno.EADDRINUSE: "somebody else listens there already: stop that, or choose another port",
                errno.EACCES: "this user may not: choose a port above 1023",
                errno.EADDRNOTAVAIL: "this machine does not have that address",
            }.get(error.errno or 0, error.strerror or "the system refuses")
            raise PortTakenError(f"cannot listen on {host}:{port} ({name}): {why}") from None
