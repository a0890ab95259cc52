"""The running simulator: one app behind a door, and a second port that is never refused."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from uvicorn.config import Config
from uvicorn.server import ServerState

from waha_simulator import api_files, api_history, api_people, api_sending, api_server, api_sessions
from waha_simulator.api_calls import Api
from waha_simulator.connection import Connection
from waha_simulator.control import Control
from waha_simulator.door import Door
from waha_simulator.settings import Settings
from waha_simulator.simulator import Simulator


class PortTakenError(OSError):
    """A port is in use; the text says which and what to do."""


def waha_api(simulator: Simulator, door: Door) -> Api:
    """WAHA's API, and the probes."""
    api = Api(simulator, door)
    for module in (api_server, api_sessions, api_sending, api_people, api_files, api_history):
        for route in module.routes(api):
            api.routes.add(route)
    return api


def control_application(control: Control) -> Starlette:
    """The control API as an ASGI app, and the answer to paths that nobody has."""
    handlers: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {HTTPException: _no_route}
    return Starlette(routes=control.routes(), exception_handlers=handlers)


async def _no_route(request: Request, problem: Exception) -> Response:
    """NestJS's answer for a path that it does not have."""
    message = f"Cannot {request.method} {request.url.path}"
    return JSONResponse({"message": message, "error": "Not Found", "statusCode": 404}, status_code=404)


class RunningSimulator:
    """A simulator that listens. Use it as `async with`, or start and stop it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.simulator = Simulator(settings)
        self._inner_port = settings.metrics_port or 0  # 0: whichever the kernel gives at the start
        self._door = Door(settings.host, settings.port, self._connection)
        self._api, self._control = waha_api(self.simulator, self._door), Control(self.simulator, self._door)
        app = control_application(self._control)
        # Idle connections are closed after 5 s, as WAHA's are.
        self._http = Config(app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)
        self._http.load()
        self._state = ServerState()
        self._inner: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.port}"

    @property
    def control_url(self) -> str:
        """A way in that no fault closes."""
        return f"http://127.0.0.1:{self._inner_port}"

    async def start(self) -> None:
        check_port(self.settings.host, self.settings.port, "PORT")
        if self.settings.metrics_port:
            check_port("127.0.0.1", self.settings.metrics_port, "METRICS_PORT")
        loop = asyncio.get_running_loop()
        self._inner = await loop.create_server(self._connection, "127.0.0.1", self._inner_port, backlog=1024)
        self._inner_port = self._inner.sockets[0].getsockname()[1]
        self.simulator.start()
        await self._door.open()

    async def stop(self) -> None:
        """At once: what is pending is dropped, as when WAHA dies."""
        await self._door.close()
        await self._control.loads.stop()
        await self.simulator.stop()
        if self._inner is not None:
            self._inner.close()
            self._inner = None
        for connection in list(self._state.connections):
            connection.transport.abort()
        for task in list(self._state.tasks):
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)

    def _connection(self, door: Door | None = None) -> asyncio.Protocol:
        return Connection(self._http, self._state, self._api, door)

    async def __aenter__(self) -> "RunningSimulator":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def check_port(host: str, port: int, setting: str) -> None:
    """Refuse a taken port with one sentence; the server itself would only say that it could not bind."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise PortTakenError(
                f"The WAHA simulator cannot listen on {host}:{port} ({problem.strerror}): "
                f"stop what runs there, or set {setting} to a free port."
            ) from problem
