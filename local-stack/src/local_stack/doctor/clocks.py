"""Clocks: leases and deadlines go by the database's, times of messages by each process's."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime

import asyncpg
import httpx

from local_stack.doctor.finding import Finding, Of
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, service_environment

CLOCKS = Of("clocks")
OFF_SECONDS, WRONG_SECONDS = 2.0, 30.0


async def examine(instance: Instance) -> list[Finding]:
    """Compare the clocks of database, broker and WAHA with this process's."""
    asked: dict[str, Callable[[Instance], Awaitable[tuple[float, float]]]] = {"database": _database, "waha": _waha}
    if not instance.external_rabbitmq_url:
        asked["broker"] = _broker
    found, ahead = [], {}
    for name, ask in asked.items():
        before = time.time()
        try:
            theirs, grain = await ask(instance)
        except (asyncpg.PostgresError, OSError, TimeoutError, httpx.HTTPError, ValueError, KeyError):
            found.append(CLOCKS.warn(f"the {name}'s could not be read", "see what is said of it above"))
            continue
        ahead[name] = apart(theirs, before, time.time(), grain)
    return [*found, *([judge(ahead)] if ahead else [])]


def apart(theirs: float, before: float, after: float, grain: float) -> float:
    """Return by how many seconds a clock is certainly ahead (or behind: below zero), read between two looks at ours.

    `grain` is the smallest step that it was told in.
    """
    if theirs + grain < before:
        return theirs + grain - before
    return max(0.0, theirs - after)


def judge(ahead: dict[str, float]) -> Finding:
    """Grade the clock that is furthest off."""
    name, most = max(ahead.items(), key=lambda one: abs(one[1]))
    if abs(most) < OFF_SECONDS:
        return CLOCKS.ok(f"{', '.join(ahead)} and this process agree")
    told = f"the {name}'s is {abs(most):.0f} s {'ahead' if most > 0 else 'behind'}"
    grade = CLOCKS.fail if abs(most) > WRONG_SECONDS else CLOCKS.warn
    return grade(told, "synchronise the machines' clocks (timedatectl set-ntp true)")


async def _database(instance: Instance) -> tuple[float, float]:
    connection = await asyncpg.connect(instance.postgres_superuser_dsn, timeout=5, command_timeout=5)
    try:
        return float(await connection.fetchval("select extract(epoch from clock_timestamp())::float")), 0.001
    finally:
        await connection.close(timeout=5)


async def _broker(instance: Instance) -> tuple[float, float]:
    told = await asyncio.to_thread(instance.rabbitmq().evaluate, "os:system_time(millisecond).")
    return int(told or "") / 1000, 0.001


async def _waha(instance: Instance) -> tuple[float, float]:
    service = next(one for one in SERVICES if one.name == "channel-gateway")
    address = service_environment(instance, service)["WAHA_BASE_URL"]
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        answer = await client.get(f"{address}/ping")
    return parsedate_to_datetime(answer.headers["date"]).timestamp(), 1.0
