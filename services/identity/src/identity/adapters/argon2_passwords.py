"""argon2id in threads of its own, two at once: each hash takes 64 MiB and about a tenth of a second of a core."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from kernel.errors import DomainError

T = TypeVar("T")

AT_ONCE = 2
MOST_WAITING = 8
"""More have to come back: a registration waits inside its transaction."""


@dataclass(frozen=True)
class Effort:
    """What guessing costs."""

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 1


FULL = Effort()
LOW = Effort(memory_kib=64, passes=1)
"""For tests, which sign in hundreds of times."""


class Argon2Passwords:
    """Hashes and verifies passwords; raises overloaded where too many wait already."""

    def __init__(self, effort: Effort = FULL) -> None:
        self._hasher = PasswordHasher(
            time_cost=effort.passes, memory_cost=effort.memory_kib, parallelism=effort.lanes, hash_len=32, salt_len=16
        )
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._waiting = 0
        # What somebody who does not exist is compared with.
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Return what may be kept of a password."""
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Tell whether that is the password. None, for somebody who does not exist, takes the same time."""
        right = await self._in_thread(lambda: self._matches(self._nobodys if kept is None else kept, password))
        return right and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Tell whether today's hashes are made with more effort."""
        return self._hasher.check_needs_rehash(kept)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, run: Callable[[], T]) -> T:
        if self._waiting >= AT_ONCE + MOST_WAITING:
            raise DomainError("overloaded", "too many sign-ins at once", retry_after=1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, run)
        finally:
            self._waiting -= 1
