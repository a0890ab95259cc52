"""Granian's embedded server, which calls itself experimental: this file alone touches it."""

import asyncio
import errno
import socket

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.types import ASGIApp
from telemetry.logs import get_logger

from web.app import ServiceApp, refuse_undeclared

log = get_logger(__name__)

GRACE_S = 20
"""How long requests in flight may take to end after stopping began."""

HEADER_READ_TIMEOUT_MS = 30_000
"""Also what an idle kept-alive connection is given: WAHA reuses its sockets for 4 s."""


class PortTakenError(SystemExit):
    """Somebody else listens there already, or we may not. Ends the process with one sentence."""


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
