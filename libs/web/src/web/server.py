"""uvicorn on the running loop, beside the other roles of a process: this file and `http_protocol` alone touch it."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from kernel.settings import SettingsError
from starlette.types import ASGIApp
from telemetry.logs import get_logger
from uvicorn import Config, Server

from web.app import ServiceApp, refuse_undeclared
from web.http_protocol import IDLE_S, HttpProtocol
from web.posting import PostDoor

log = get_logger(__name__)

GRACE_S = 20
"""How long requests in flight may take to end after stopping began."""
LOOK_AFTER_CONNECTIONS_S = 1.0


class PortTakenError(SettingsError):
    """Somebody else listens there already, or we may not: one sentence that says what to do."""


class _Server(Server):
    """Leaves signals to the process, which stops its roles in their order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """A kernel Role: serves an application on the running loop until told to stop; requests in flight then finish."""

    def __init__(self, app: ASGIApp, host: str, port: int, name: str = "api", *, door: PostDoor | None = None) -> None:
        """`door` takes what is posted below its path, past the application."""
        self.name = name
        self._app = app
        self._host = host
        self._port = port
        self._door = door

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve. Raises PortTakenError or UndeclaredRouteError before anything is served."""
        if isinstance(self._app, ServiceApp):
            refuse_undeclared(self._app)  # again: somebody may have added routes to the finished application
        listening = listen(self._host, self._port, self.name)
        config = Config(
            self._app,
            http=partial(HttpProtocol, door=self._door),  # type: ignore[arg-type]  # whatever makes a protocol will do
            ws="none",
            # The application has no lifespan: what it needs is opened before and closed after by the composition root.
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            # Who is asked for whom is the gateway's business: no header of a stranger changes an address.
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(IDLE_S),
            timeout_graceful_shutdown=GRACE_S,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listening]), name=f"serving {self.name}")
        told = asyncio.create_task(stopping.wait())
        looking = asyncio.create_task(_look_after(server), name=f"connections of {self.name}")
        log.info("listening", role=self.name, host=self._host, port=self._port)
        try:
            await asyncio.wait([serving, told], return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving
        finally:
            told.cancel()
            looking.cancel()
            serving.cancel()
            listening.close()
        log.info("stopped listening", role=self.name, port=self._port)


async def _look_after(server: Server) -> None:
    """End connections that keep us waiting: one look at all of them costs less than a timer for each request."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_AFTER_CONNECTIONS_S)
        now = loop.time()
        for connection in list(server.server_state.connections):
            if isinstance(connection, HttpProtocol):
                connection.close_if_slow(now)


def listen(host: str, port: int, name: str) -> socket.socket:
    """Return a socket that listens there. Raises PortTakenError."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        why = {
            errno.EADDRINUSE: "somebody else listens there already: stop that, or choose another port",
            errno.EACCES: "this user may not: choose a port above 1023",
            errno.EADDRNOTAVAIL: "this machine does not have that address",
        }.get(error.errno or 0, error.strerror or "the system refuses")
        raise PortTakenError(f"cannot listen on {host}:{port} ({name}): {why}") from None
    return listening
