"""Health of the whole product: every service is asked, and the gateway itself stays in rotation while any of it is away."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args

from kernel.errors import DomainError
from telemetry.metrics import gauge
from web.health import NAMES, Check, Finding, Health, Status

from api_gateway.operations import OWN
from api_gateway.shared_counts import RedisCounts
from api_gateway.upstream import Upstreams

PRODUCT = "ventros-crm"
ASKING_S = 1.5
KEPT_S = 1.0
SIGNING_KEYS = "signing_keys"
STATES: tuple[Status, ...] = get_args(Status)

ANSWERS = gauge("service_answers", "1 where a service answered the last survey", ("service",))


class ProductHealth(Health):
    """The gateway's health: only without any key to verify sign-ins with is it of no use."""

    def whole(self, dependencies: Mapping[str, Mapping[str, Any]]) -> Status:
        """Return unhealthy without signing keys, else degraded where anything is not healthy."""
        states = {name: each["status"] for name, each in dependencies.items()}
        if states.get(SIGNING_KEYS) == "unhealthy":
            return "unhealthy"
        return "healthy" if all(state == "healthy" for state in states.values()) else "degraded"


class Survey:
    """Asks every service how it is, all at once; what they said is kept for a second."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._kept: tuple[float, dict[str, dict[str, Any] | None]] | None = None
        self._looking: asyncio.Task[dict[str, dict[str, Any] | None]] | None = None

    async def look(self) -> Mapping[str, Mapping[str, Any] | None]:
        """Return each service's /ready, None for one that does not answer."""
        if self._kept is not None and time.monotonic() - self._kept[0] < KEPT_S:
            return self._kept[1]
        if self._looking is None:
            self._looking = asyncio.create_task(self._ask_all())
        return await asyncio.shield(self._looking)

    async def _ask_all(self) -> dict[str, dict[str, Any] | None]:
        try:
            names = list(self._upstreams)
            found = dict(zip(names, await asyncio.gather(*map(self._ask, names)), strict=True))
            self._kept = (time.monotonic(), found)
            return found
        finally:
            self._looking = None

    async def _ask(self, name: str) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(ASKING_S):
                answer = await self._upstreams[name].ask("GET", "/ready", timeout_s=ASKING_S)
            told = json.loads(answer.body)
        except (DomainError, TimeoutError, ValueError):
            told = None
        answered = isinstance(told, dict) and isinstance(told.get("dependencies"), dict)
        ANSWERS.labels(name).set(1 if answered else 0)
        return told if answered else None


def checks_of(
    survey: Survey, knows_keys: Callable[[], bool], hears: Callable[[], bool], counts: RedisCounts | None
) -> dict[str, Check]:
    """Return the checks: each dependency as the worst of all services and we ourselves see it, who is away, our own needs."""

    async def broker() -> str:
        return "healthy" if hears() else "degraded"

    async def redis() -> str:
        return "healthy" if counts is not None and await counts.answers() else "degraded"

    own = {"rabbitmq": broker} | ({} if counts is None else {"redis": redis})
    return {
        **{name: _dependency(survey, name, own.get(name)) for name in NAMES},
        "services": _services(survey),
        SIGNING_KEYS: _signing_keys(knows_keys),
    }


def _dependency(survey: Survey, name: str, own: Callable[[], Awaitable[str]] | None) -> Check:
    async def check() -> Finding:
        states: dict[str, str] = {}
        configured = False
        for service, told in (await survey.look()).items():
            seen = None if told is None else told["dependencies"].get(name)
            if seen is None:
                states[service] = "unknown"
                continue
            configured = configured or seen.get("metadata", {}).get("configured") is not False
            states[service] = str(seen.get("status"))
        if own is not None:
            states[OWN], configured = await own(), True
        facts: dict[str, Any] = {"services": states} if configured else {"configured": False, "services": states}
        return Finding(_worst(states), _message(states, configured=configured), facts)

    return check


def _worst(states: Mapping[str, str]) -> Status:
    # A service that does not answer says nothing about what it depends on.
    worst = max((STATES.index(state) if state in STATES else 1 for state in states.values()), default=0)
    return STATES[worst]


def _message(states: Mapping[str, str], *, configured: bool) -> str:
    silent = sorted(service for service, state in states.items() if state == "unknown")
    ill = sorted(service for service, state in states.items() if state not in ("unknown", "healthy"))
    parts = [f"trouble at {', '.join(ill)}"] if ill else []
    parts += [f"no answer from {', '.join(silent)}"] if silent else []
    return "; ".join(parts) or ("answers" if configured else "not configured")


def _services(survey: Survey) -> Check:
    async def check() -> Finding:
        told = await survey.look()
        states = {service: "away" if each is None else str(each.get("status")) for service, each in told.items()}
        away = sorted(service for service, state in states.items() if state == "away")
        if away:
            return Finding("degraded", f"no answer from {', '.join(away)}", {"services": states})
        ill = sorted(service for service, state in states.items() if state == "unhealthy")
        if ill:
            return Finding("degraded", f"trouble at {', '.join(ill)}", {"services": states})
        return Finding("healthy", "all answer", {"services": states})

    return check


def _signing_keys(known: Callable[[], bool]) -> Check:
    async def check() -> Finding:
        if known():
            return Finding("healthy", "known")
        return Finding("unhealthy", "sign-ins cannot be verified: identity has not answered yet")

    return check
