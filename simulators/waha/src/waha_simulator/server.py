"""The running simulator: one app behind a door, and a second port that is never refused."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from waha_simulator import api_files, api_history, api_people, api_sending, api_server, api_sessions
from waha_simulator.api_calls import Api
from waha_simulator.control import Control
from waha_simulator.door import Door
from waha_simulator.settings import Settings
from waha_simulator.simulator import Simulator

START_SECONDS = 10.0


class PortTakenError(OSError):
    """A port is in use; the text says which and what to do."""


def application(simulator: Simulator, door: Door | None = None) -> tuple[Starlette, Control]:
    """WAHA's API, the probes and the control API as one ASGI app."""
    api, control = Api(simulator, door), Control(simulator, door)
    modules = (api_server, api_sessions, api_sending, api_people, api_files, api_history)
    routes = [route for module in modules for route in module.routes(api)]
    handlers: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {HTTPException: _no_route}
    return Starlette(routes=[*routes, *control.routes()], exception_handlers=handlers), control


async def _no_route(request: Request, problem: Exception) -> Response:
    """NestJS's answer for a path that it does not have."""
    message = f"Cannot {request.method} {request.url.path}"
    return JSONResponse({"message": message, "error": "Not Found", "statusCode": 404}, status_code=404)


class RunningSimulator:
    """A simulator that listens. Use it as `async with`, or start and stop it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.simulator = Simulator(settings)
        self._inner_port = settings.metrics_port or _free_port()
        self._door = Door(settings.host, settings.port, self._inner_port)
        app, self._control = application(self.simulator, self._door)
        self._server = Server(
            app,
            address="127.0.0.1",
            port=self._inner_port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
            backlog=1024,
        )
        self._serving: asyncio.Task[None] | None = None

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
        self._serving = asyncio.get_running_loop().create_task(self._server.serve())
        await self._wait_until_listening()
        self.simulator.start()
        await self._door.open()

    async def stop(self) -> None:
        """At once: what is pending is dropped, as when WAHA dies."""
        await self._door.close()
        await self._control.loads.stop()
        await self.simulator.stop()
        if self._serving is not None:
            self._server.stop()  # type: ignore[no-untyped-call]  # granian's
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._serving, 2.0)

    async def __aenter__(self) -> "RunningSimulator":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _wait_until_listening(self) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._inner_port)
            except OSError:
                if time.monotonic() > until or (self._serving is not None and self._serving.done()):
                    raise
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
