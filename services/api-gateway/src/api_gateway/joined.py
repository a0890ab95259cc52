"""Answers that are put together from every service's: parked events that wait, circuit breakers."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from kernel.errors import DomainError
from starlette.responses import JSONResponse, Response
from telemetry.logs import get_logger
from web.caller import Caller
from web.internal_tokens import HEADER, InternalTokenIssuer

from api_gateway.upstream import Upstreams

log = get_logger(__name__)

ASKING_S = 5.0


class Joined:
    """Asks all services the same, in the caller's name."""

    def __init__(self, upstreams: Upstreams, issuer: InternalTokenIssuer) -> None:
        self._upstreams = upstreams
        self._issuer = issuer

    async def parked_events(self, caller: Caller) -> Response:
        """Answer how many parked events wait in each service; `count` is null where a service does not answer."""
        names = list(self._upstreams)
        told = await asyncio.gather(
            *(self._ask(name, f"/api/v1/parked-events/{name}/waiting", caller) for name in names)
        )
        data = [
            {
                "service": name,
                "count": None if each is None else each.get("count"),
                "oldest_parked_at": None if each is None else each.get("oldest_parked_at"),
            }
            for name, each in zip(names, told, strict=True)
        ]
        return JSONResponse({"data": data})

    async def circuit_breakers(self, caller: Caller) -> Response:
        """Answer the breakers of all services that answer."""
        told = await asyncio.gather(*(self._ask(name, "/health/circuit-breakers", caller) for name in self._upstreams))
        return JSONResponse({"data": [breaker for each in told if each is not None for breaker in each["data"]]})

    async def _ask(self, service: str, target: str, caller: Caller) -> Mapping[str, Any] | None:
        headers = [
            (HEADER.encode(), self._issuer.issue(caller, service).encode()),
            (b"x-correlation-id", caller.correlation_id.encode()),
        ]
        try:
            answer = await self._upstreams[service].ask("GET", target, headers, timeout_s=ASKING_S)
        except DomainError:
            return None
        if answer.status != 200:
            log.warning("a service did not answer its part", service_asked=service, status=answer.status)
            return None
        told = json.loads(answer.body)
        return told if isinstance(told, dict) else None
