"""Running the roles of a process on one event loop, and stopping them in order."""

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from typing import Protocol


class Role(Protocol):
    """A long-running part of a process: it works until `stopping` is set, then ends by itself."""

    name: str

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop. Raising ends the whole process."""


async def run_roles(roles: Sequence[Role], *, grace_s: float = 25.0, stop: asyncio.Event | None = None) -> None:
    """Run all roles until SIGTERM or SIGINT, or until one of them fails; then stop them in the order given.

    Each role is stopped only when the one before it has ended, so list what takes work in before what carries it out.
    What has not ended after `grace_s` seconds in all is cancelled: everything durable lies in Postgres by then.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # tests run roles outside the main thread
            loop.add_signal_handler(number, stop.set)
    signals = [asyncio.Event() for _ in roles]
    tasks = [asyncio.create_task(role.run(own), name=role.name) for role, own in zip(roles, signals, strict=True)]
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    deadline = loop.time() + grace_s
    try:
        for own, task in zip(signals, tasks, strict=True):
            own.set()
            await asyncio.wait([task], timeout=max(0.0, deadline - loop.time()))
    finally:
        for ending in (stopped, *tasks):
            ending.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
    if stopped not in done:
        raise RuntimeError(f"a role ended by itself: {', '.join(task.get_name() for task in tasks if task in done)}")
