"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    look: Callable[[], T | Awaitable[T]], *, within_s: float = 10.0, every_s: float = 0.05, because: str = ""
) -> T:
    """Call `look` until what it returns is true, and return that; fail after `within_s` seconds with the last value."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while True:
        found = look()
        seen: T = await found if inspect.isawaitable(found) else found
        if seen:
            return seen
        if loop.time() > deadline:
            raise AssertionError(f"not within {within_s} s{': ' + because if because else ''}; last seen: {seen!r}")
        await asyncio.sleep(every_s)
