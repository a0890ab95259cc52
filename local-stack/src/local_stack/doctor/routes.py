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

Operation = tuple[str, str, dict[str, Any]]


async def examine(instance: Instance) -> list[Finding]:
    """Read what the running gateway routes by, then ask for everything that can be read, without a credential.

    Nothing that writes is called: what stood open would be done.
    """
    gateway, logs = url(instance, "gateway"), make(instance, "logs SERVICE=api-gateway")
    async with httpx.AsyncClient(timeout=10, trust_env=False, limits=httpx.Limits(max_connections=_AT_ONCE)) as client:
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
        answers = await asyncio.gather(*(_refuses(client, address) for address in found))
    if undeclared:
        repair = "say who may call it where it is declared, then tools/generate.py"
        return [ROUTES.fail(f"without a permission: {in_words(undeclared)}", repair)]
    if open_ := [told for told in answers if told]:
        return [ROUTES.fail(f"answered without a credential: {in_words(open_)}", f"stop that service; {logs}")]
    public = len(operations) - len(closed)
    told = (
        f"{len(operations)} routes, {public} of them for everybody; {len(found)} addresses refuse who does not sign in"
    )
    return [ROUTES.ok(told)]


def _addresses(instance: Instance, operation: Operation) -> list[str]:
    """Where an operation answers: at the gateway, and at its service."""
    _, path, said = operation
    place = re.sub(r"{\w+}", _NOBODYS_ID, path)
    behind = [one.port for one in SERVICES if one.schema and one.name == said.get("x-service")]
    return [f"{url(instance, port)}{place}" for port in ("gateway", *behind)]


async def _refuses(client: httpx.AsyncClient, address: str) -> str:
    """Return what was answered instead of 401, or nothing."""
    try:
        answer = await client.get(address)
    except httpx.HTTPError as error:
        return f"{address}: {type(error).__name__}"
    return "" if answer.status_code == 401 else f"{address}: {answer.status_code}"
