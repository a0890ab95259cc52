"""Routes: each says who may call it, and whoever says nothing is refused, at the gateway and at the service behind it."""

import asyncio
import re
from typing import Any

import httpx

from local_stack.doctor.finding import Finding, Of, in_words, make
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, url

ROUTES = Of("routes")
_NOBODYS_ID = "00000000-0000-7000-8000-000000000000"
_AT_ONCE = 8
_SECONDS = 3.0

Operation = tuple[str, str, dict[str, Any]]


async def examine(instance: Instance) -> list[Finding]:
    """Read what the running gateway routes by, then ask for everything that can be read, without a credential.

    Nothing that writes is called: what stood open would be done.
    """
    gateway, logs = url(instance, "gateway"), make(instance, "logs SERVICE=api-gateway")
    patience, few = httpx.Timeout(_SECONDS, pool=None), httpx.Limits(max_connections=_AT_ONCE)
    async with httpx.AsyncClient(timeout=patience, trust_env=False, limits=few) as client:
        try:
            answer = await client.get(f"{gateway}/openapi.json")
            if answer.status_code == 404:
                return [
                    ROUTES.warn("the gateway does not show them", "start it with DOCS_ENABLED=true to look at them")
                ]
            operations = [
                (method.upper(), path, operation)
                for path, item in answer.json()["paths"].items()
                for method, operation in item.items()
            ]
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            return [ROUTES.fail(f"cannot be read at {gateway}/openapi.json ({type(error).__name__})", logs)]
        undeclared = [f"{method} {path}" for method, path, said in operations if not said.get("x-permission")]
        closed = [one for one in operations if one[2].get("x-permission") not in (None, "", "public")]
        found = [each for one in closed if one[0] == "GET" for each in _addresses(instance, one)]
        answers = await asyncio.gather(*(_status(client, address) for address in found))
    if undeclared:
        repair = "say who may call it where it is declared, then tools/generate.py"
        return [ROUTES.fail(f"without a permission: {in_words(undeclared)}", repair)]
    told = [(address, status) for address, status in zip(found, answers, strict=True) if status]
    if open_ := [f"{address}: {status}" for address, status in told if status != 401]:
        return [ROUTES.fail(f"answered without a credential: {in_words(open_)}", f"stop that service; {logs}")]
    public = len(operations) - len(closed)
    words = f"{len(operations)} routes, {public} of them for everybody"
    return [ROUTES.ok(f"{words}; {len(told)} addresses refuse who does not sign in")]


def _addresses(instance: Instance, operation: Operation) -> list[str]:
    """Where an operation answers: at the gateway, and at its service."""
    _, path, said = operation
    place = re.sub(r"{\w+}", _NOBODYS_ID, path)
    behind = [one.port for one in SERVICES if one.schema and one.name == said.get("x-service")]
    return [f"{url(instance, port)}{place}" for port in ("gateway", *behind)]


async def _status(client: httpx.AsyncClient, address: str) -> int:
    """Return what somebody without a credential is answered; 0 where nobody answers, which is told elsewhere."""
    try:
        return (await client.get(address)).status_code
    except httpx.HTTPError:
        return 0
