"""What was withdrawn before it expired: sign-ins and API keys. Heard as events, and read from identity after every gap.

A sign-in's id tells when it was made (UUIDv7), so "all sign-ins of a user up to a moment" needs no list of them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from kernel.backoff import Backoff
from kernel.errors import DomainError
from kernel.ids import milliseconds_of
from telemetry.logs import get_logger
from telemetry.metrics import gauge

log = get_logger(__name__)

DENIED = gauge("denied_credentials", "withdrawn credentials that are remembered")
KEPT_S = 3700.0
"""Longer than any access token lives, with the leeway of the clocks; a key is kept anywhere for 30 s at most."""
MOST = 100_000
LOOK_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One thing that ceased to be valid: an API key, a sign-in, or a user's sign-ins made until `at`, all but the kept one."""

    at: datetime
    api_key_id: str | None = None
    sign_in_id: str | None = None
    user_id: str | None = None
    kept: str | None = None


class Withdrawals:
    """The deny set of this process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._denied: dict[str, float] = {}
        self._users: dict[str, tuple[float, int, str | None]] = {}
        self.on_key: list[Callable[[str], None]] = []

    def add(self, withdrawals: Iterable[Withdrawal]) -> None:
        """Deny from now on. Safe to repeat."""
        until = self._now() + KEPT_S
        for each in withdrawals:
            if each.api_key_id is not None:
                self._denied[each.api_key_id] = until
                for forget in self.on_key:
                    forget(each.api_key_id)
            elif each.sign_in_id is not None:
                self._denied[each.sign_in_id] = until
            elif each.user_id is not None:
                at_ms, kept = int(each.at.timestamp() * 1000), each.kept
                _, known_ms, known_kept = self._users.get(each.user_id, (0.0, 0, None))
                if known_ms > at_ms:  # what went on at the later moment had not ended at the earlier one
                    at_ms, kept = known_ms, known_kept
                self._users[each.user_id] = (until, at_ms, kept)
        self._forget()
        DENIED.set(len(self._denied) + len(self._users))

    def denies(self, credential_id: str, user_id: str | None = None) -> bool:
        """Tell whether a sign-in (with its user) or an API key was withdrawn."""
        if credential_id in self._denied:
            return True
        if user_id is None or user_id not in self._users:
            return False
        _, at_ms, kept = self._users[user_id]
        try:
            return credential_id != kept and milliseconds_of(credential_id) <= at_ms
        except ValueError:
            return True

    def _forget(self) -> None:
        now = self._now()
        over = [name for name, until in self._denied.items() if until < now]
        over += list(self._denied)[: max(0, len(self._denied) - MOST)]
        for name in over:
            self._denied.pop(name, None)
        users = [name for name, (until, _, _) in self._users.items() if until < now]
        users += list(self._users)[: max(0, len(self._users) - MOST)]
        for name in users:
            self._users.pop(name, None)


class WithdrawalReader:
    """A kernel Role: reads the last hour at start and after each gap in hearing, and again and again while nothing is heard."""

    name = "withdrawals"

    def __init__(
        self,
        withdrawals: Withdrawals,
        read: Callable[[], Awaitable[Iterable[Withdrawal]]],
        hears: Callable[[], bool],
    ) -> None:
        self._withdrawals = withdrawals
        self._read = read
        self._hears = hears
        self._gap = asyncio.Event()
        self.complete = False
        """Whether the last hour is known. Until then no access token can be trusted."""

    def note_gap(self) -> None:
        """Note that something may have been missed; the hearing has begun again."""
        self._gap.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until told to stop."""
        backoff = Backoff(0.2, LOOK_AGAIN_S)
        while not stopping.is_set():
            self._gap.clear()
            wait_s: float | None = None if self._hears() else LOOK_AGAIN_S
            try:
                self._withdrawals.add(await self._read())
                self.complete = True
                backoff.reset()
            except DomainError as error:
                log.warning("withdrawals could not be read", error_code=error.code)
                wait_s = backoff.next_s()
            await self._wait(stopping, wait_s)

    async def _wait(self, stopping: asyncio.Event, wait_s: float | None) -> None:
        # Looked at once in a while even when all is heard: that the hearing ended shows here.
        waits = [asyncio.create_task(stopping.wait()), asyncio.create_task(self._gap.wait())]
        try:
            while True:
                done, _ = await asyncio.wait(waits, timeout=wait_s or LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
                if done or wait_s is not None or not self._hears():
                    return
        finally:
            for wait in waits:
                wait.cancel()
