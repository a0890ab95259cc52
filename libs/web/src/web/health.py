"""Health: is the process alive, is it ready, and what about each thing that it needs.

A check is an async function that makes a round trip through the dependency; it returns a Finding or raises. Checks run
in parallel, 2 s each, and what they found is kept for 1 s.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from telemetry.logs import get_logger

from web.bodies import write_time
from web.routes import Routes

log = get_logger(__name__)

Status = Literal["healthy", "degraded", "unhealthy"]

CHECK_TIMEOUT_S = 2.0
KEPT_S = 1.0
STILL_S = 10.0

NAMES = ("database", "migrations", "redis", "rabbitmq", "temporal")
"""What /health/<name> exists for. One that a service does not use answers healthy, not configured."""

_ALWAYS_VITAL = ("database", "migrations")
_VITAL_WITHOUT_API = (*_ALWAYS_VITAL, "rabbitmq", "backlog")


@dataclass(frozen=True)
class Finding:
    """What a check found. `metadata` holds no credential, host or version."""

    status: Status = "healthy"
    message: str = "answers"
    metadata: Mapping[str, Any] = field(default_factory=dict)


Check = Callable[[], Awaitable[Finding]]
Breakers = Callable[[], Sequence[Mapping[str, Any]]]


class Health:
    """The health of one process."""

    def __init__(
        self,
        service: str,
        version: str,
        checks: Mapping[str, Check] | None = None,
        *,
        serves_api: bool = True,
        breakers: Breakers | None = None,
    ) -> None:
        """`serves_api`: a process that answers people stays in rotation while what can wait is away."""
        self.service = service
        self.version = version
        self._checks = dict(checks or {})
        self._vital = _ALWAYS_VITAL if serves_api else _VITAL_WITHOUT_API
        self._breakers = breakers
        self._kept: tuple[float, dict[str, dict[str, Any]]] | None = None
        self._looking: asyncio.Task[dict[str, dict[str, Any]]] | None = None
        self._beat_at: float | None = None

    def start_heart(self) -> None:
        """Begin to notice when the event loop stands still. The first probe does it too; more calls change nothing."""
        if self._beat_at is None:
            self._beat()

    def _beat(self) -> None:
        self._beat_at = time.monotonic()
        asyncio.get_running_loop().call_later(1.0, self._beat)

    @property
    def alive(self) -> bool:
        """Tell whether the event loop has moved in the last 10 s."""
        return self._beat_at is None or time.monotonic() - self._beat_at < STILL_S

    async def dependencies(self) -> dict[str, dict[str, Any]]:
        """Return what every check found, at most a second old."""
        if self._kept is not None and time.monotonic() - self._kept[0] < KEPT_S:
            return self._kept[1]
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> dict[str, dict[str, Any]]:
        try:
            names = [*self._checks, *(name for name in NAMES if name not in self._checks)]
            found = await asyncio.gather(*(self._check(name) for name in names))
            dependencies = dict(zip(names, found, strict=True))
            self._kept = (time.monotonic(), dependencies)
            return dependencies
        finally:
            self._looking = None

    async def _check(self, name: str) -> dict[str, Any]:
        check = self._checks.get(name)
        started = time.monotonic()
        if check is None:
            finding = Finding("healthy", "not configured", {"configured": False})
        else:
            try:
                async with asyncio.timeout(CHECK_TIMEOUT_S):
                    finding = await check()
            except TimeoutError:
                finding = Finding("unhealthy", "does not answer in time")
            except Exception as error:
                log.warning("a health check failed", check=name, error_type=type(error).__name__)
                finding = Finding("unhealthy", "does not answer")
        return {
            "status": finding.status,
            "message": finding.message,
            "timestamp": write_time(datetime.now(UTC)),
            "duration_ms": round((time.monotonic() - started) * 1000),
            "metadata": dict(finding.metadata),
        }

    def whole(self, dependencies: Mapping[str, Mapping[str, Any]]) -> Status:
        """Return the state of the process: unhealthy where something vital is, else degraded where anything is not."""
        states = {name: each["status"] for name, each in dependencies.items()}
        if any(states[name] == "unhealthy" for name in self._vital if name in states):
            return "unhealthy"
        return "healthy" if all(state == "healthy" for state in states.values()) else "degraded"

    def head(self, status: Status) -> dict[str, Any]:
        """Return the fields of every health body."""
        return {"status": status, "timestamp": _nanoseconds(), "version": self.version, "service": self.service}

    async def health(self, _: Request) -> Response:
        """Answer /health: the process answers."""
        return JSONResponse(self.head("healthy"))

    async def live(self, _: Request) -> Response:
        """Answer /live: the event loop moves. No dependency is asked."""
        self.start_heart()
        return JSONResponse(self.head("healthy" if self.alive else "unhealthy"), 200 if self.alive else 503)

    async def ready(self, _: Request) -> Response:
        """Answer /ready: whether work may be sent here."""
        dependencies = await self.dependencies()
        status = self.whole(dependencies)
        checks = {
            name: {"healthy": each["status"] != "unhealthy", "message": each["message"]}
            for name, each in dependencies.items()
        }
        body = {**self.head(status), "dependencies": dependencies, "checks": checks}
        return JSONResponse(body, 503 if status == "unhealthy" else 200)

    async def one(self, request: Request) -> Response:
        """Answer /health/<name>."""
        name = request.url.path.rpartition("/")[2]
        dependency = (await self.dependencies())[name]
        return JSONResponse(dependency, 503 if dependency["status"] == "unhealthy" else 200)

    async def circuit_breakers(self, _: Request) -> Response:
        """Answer /health/circuit-breakers."""
        return JSONResponse({"data": [dict(each) for each in (self._breakers() if self._breakers else ())]})

    def routes(self) -> Routes:
        """Return the routes, for the API port and the metrics port."""
        routes = Routes("health")
        for path, handler in (("/health", self.health), ("/live", self.live), ("/ready", self.ready)):
            routes.plain("GET", path, permission="public", root=True)(handler)
        for name in NAMES:
            routes.plain("GET", f"/health/{name}", permission="public", root=True)(self.one)
        routes.plain("GET", "/health/circuit-breakers", permission="operator", root=True)(self.circuit_breakers)
        return routes


def _nanoseconds() -> str:
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
