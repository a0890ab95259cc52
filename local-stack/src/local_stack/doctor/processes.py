"""The product's own processes: each asked for its readiness, and the gateway for all of them."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from local_stack.doctor.finding import Finding, Of, in_words, make
from local_stack.files import last_lines, read_json
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, Service, url

GATEWAY = Of("gateway")
PROCESSES = Of("services")
_OFTEN = 3
_LATELY_MINUTES, _LOG_LINES = 10, 500


async def examine(instance: Instance) -> list[Finding]:
    """Ask every service at once; one line for those that are well."""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        answers = await asyncio.gather(*(_readiness(client, instance, service) for service in SERVICES))
        gateway = await _gateway(client, instance)
    found = [one for one in answers if one]
    if not found:
        found.append(PROCESSES.ok(f"all {len(SERVICES)} are ready: {', '.join(one.name for one in SERVICES)}"))
    return [*found, *_restarts(instance), *errors(instance), gateway]


async def _readiness(client: httpx.AsyncClient, instance: Instance, service: Service) -> Finding | None:
    logs = make(instance, f"logs SERVICE={service.name}")
    try:
        answer = await client.get(f"{url(instance, f'{service.port}_metrics')}/ready")
        said: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return PROCESSES.fail(
            f"{service.name} does not answer ({type(error).__name__})", f"{make(instance, 'status')}, {logs}"
        )
    if said.get("status") == "healthy":
        return None
    ill = [
        f"{name}: {one.get('message')}"
        for name, one in said.get("dependencies", {}).items()
        if one.get("status") != "healthy"
    ]
    told = f"{service.name} is {said.get('status')} ({in_words(ill)})"
    return (PROCESSES.warn if answer.status_code == 200 else PROCESSES.fail)(told, logs)


async def _gateway(client: httpx.AsyncClient, instance: Instance) -> Finding:
    """As a stranger sees it: health is told, data is not."""
    address, logs = url(instance, "gateway"), make(instance, "logs SERVICE=api-gateway")
    try:
        health = await client.get(f"{address}/health")
        refused = await client.get(f"{address}/api/v1/crm/contacts")
    except httpx.HTTPError as error:
        return GATEWAY.fail(f"does not answer at {address} ({type(error).__name__})", logs)
    if health.status_code != 200 or refused.status_code != 401:
        told = f"answered health with {health.status_code} and a stranger's question with {refused.status_code}, not 200 and 401"
        return GATEWAY.fail(told, logs)
    return GATEWAY.ok(f"{address} answers, and strangers see nothing")


def errors(instance: Instance) -> list[Finding]:
    """What goes wrong again and again inside a process that calls itself ready stands in its log."""
    lately = (datetime.now(UTC) - timedelta(minutes=_LATELY_MINUTES)).isoformat()
    started = {row["name"]: row["started_at"] or "" for row in read_json(instance.folder / "state.json") or []}
    found = []
    for service in SERVICES:
        since = max(lately, started.get(service.name, ""))
        lines = last_lines(instance.logs / f"{service.name}.log", _LOG_LINES).splitlines()
        told = Counter(
            str(line["event"])[:60] for text in lines if (line := _error_in(text)) and line["timestamp"] >= since
        )
        if told:
            most = in_words([f"{number} × {event}" for event, number in told.most_common()], 2)
            words = f"{service.name} logged {told.total()} errors in the last {_LATELY_MINUTES} minutes ({most})"
            found.append(PROCESSES.warn(words, make(instance, f"logs SERVICE={service.name}")))
    return found


def _error_in(text: str) -> dict[str, Any] | None:
    try:
        line: Any = json.loads(text)
    except ValueError:
        return None
    is_error = isinstance(line, dict) and line.get("level") in ("error", "critical")
    return line if is_error and line.keys() >= {"event", "timestamp"} else None


def _restarts(instance: Instance) -> list[Finding]:
    rows = read_json(instance.folder / "state.json") or []
    often = [f"{row['name']}: {row['restarts']}" for row in rows if row["restarts"] > _OFTEN]
    if not often:
        return []
    return [
        PROCESSES.warn(f"restarted often ({in_words(often)})", f"{make(instance, 'logs SERVICE=supervisor')} says when")
    ]
