"""The whole examination, group after group, each told as soon as it is known."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from local_stack.doctor import (
    broker,
    clocks,
    databases,
    files,
    keys,
    limits,
    machine,
    mail,
    processes,
    reachability,
    routes,
    waha,
    walls,
    workflows,
)
from local_stack.doctor.finding import Finding, Of, make
from local_stack.instances import Instance
from local_stack.processes import Process
from local_stack.progress import say

STACK = Of("stack")

Group = tuple[str, Callable[[Instance], Awaitable[Sequence[Finding]]]]

ALWAYS: tuple[Group, ...] = (("files", files.examine), ("machine", machine.examine))
WHEN_UP: tuple[Group, ...] = (
    ("postgres", databases.examine),
    ("walls", walls.examine),
    ("rabbitmq", broker.examine),
    ("temporal", workflows.examine),
    ("waha", waha.examine),
    ("webhooks", reachability.examine),
    ("mail", mail.examine),
    ("services", processes.examine),
    ("keys", keys.examine),
    ("routes", routes.examine),
    ("limits", limits.examine),
    ("clocks", clocks.examine),
)
_GROUP_SECONDS = 90.0


def examine(instance: Instance) -> int:
    """Print what is found; return 0 where nothing failed, else 1."""
    started = time.monotonic()
    found = asyncio.run(_all(instance))
    failed = sum(one.grade == "FAIL" for one in found)
    warned = sum(one.grade == "warn" for one in found)
    say(f"\n{len(found)} checks in {time.monotonic() - started:.0f} s: {failed} failed, {warned} warned.")
    return 1 if failed else 0


async def _all(instance: Instance) -> list[Finding]:
    found: list[Finding] = []
    groups = ALWAYS
    if Process.recorded(instance.records / "supervisor.json"):
        groups += WHEN_UP
    else:
        found.append(STACK.fail(f"instance {instance.name} does not run", make(instance, "up")))
        found[0].print()
    for about, group in groups:
        for one in await _found_by(about, group, instance):
            one.print()
            found.append(one)
    return found


async def _found_by(
    about: str, group: Callable[[Instance], Awaitable[Sequence[Finding]]], instance: Instance
) -> Sequence[Finding]:
    """A group that fails in a way nobody thought of is a finding, and keeps the others from nothing."""
    try:
        async with asyncio.timeout(_GROUP_SECONDS):
            return await group(instance)
    except TimeoutError:
        return [Of(about).fail(f"did not answer within {_GROUP_SECONDS:.0f} s", make(instance, "logs"))]
    except Exception as error:
        return [Of(about).fail(f"{type(error).__name__}: {error}", make(instance, "logs"))]
