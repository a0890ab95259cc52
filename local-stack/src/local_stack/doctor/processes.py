"""The product's own processes: each asked for its readiness, and the gateway for all of them."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from local_stack.doctor.finding import Finding, Grade, Of, in_words, make
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
        complaints = await asyncio.gather(*(_readiness(client, service.port, instance) for service in SERVICES))
        gateway = await _gateway(client, instance)
    found = together(instance, {service: said for service, said in zip(SERVICES, complaints, strict=True) if said})
    if not found:
        found.append(PROCESSES.ok(f"all {len(SERVICES)} are ready: {', '.join(one.name for one in SERVICES)}"))
    return [*found, *_restarts(instance), *errors(instance), gateway]


Complaint = tuple[Grade, str]
"""How bad, and what somebody says of themselves."""


def together(instance: Instance, complaints: Mapping[Service, Complaint]) -> list[Finding]:
    """One line for all who complain of the same. The gateway, which asks all others, is not heard where one of them is ill."""
    same: dict[Complaint, list[str]] = {}
    for service, said in complaints.items():
        repeats = not service.schema and len(complaints) > 1 and said[0] == "warn"
        if not repeats:
            same.setdefault(said, []).append(service.name)
    found = []
    for (grade, told), names in same.items():
        logs = make(instance, f"logs SERVICE={names[0]}")
        who = names[0] if len(names) == 1 else f"{in_words(names, len(SERVICES))}: each"
        found.append(Finding(grade, PROCESSES.about, f"{who} {told}", f"{make(instance, 'status')}, {logs}"))
    return found


async def _readiness(client: httpx.AsyncClient, port: str, instance: Instance) -> Complaint | None:
    try:
        answer = await client.get(f"{url(instance, f'{port}_metrics')}/ready")
        said: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return "FAIL", f"does not answer ({type(error).__name__})"
    if said.get("status") == "healthy":
        return None
    ill = [
        f"{name}: {one.get('message')}"
        for name, one in said.get("dependencies", {}).items()
        if one.get("status") != "healthy"
    ]
    return "warn" if answer.status_code == 200 else "FAIL", f"is {said.get('status')} ({in_words(ill)})"


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
