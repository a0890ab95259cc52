"""Looking all the time how far the line is behind and who is away: the times to detect, to recover and to drain."""

import asyncio
import time
from dataclasses import dataclass, field

import asyncpg
from load import Load
from observed import Database
from stand import Stand

EVERY_S = 0.5
READY_EVERY_S = 2.0
"""Being asked whether one is ready costs a connection to everything: every process, twice a second, is a load of its own."""
PUBLISHED_WITHIN_S = 1.0
"""How long an event waits at most in an outbox of a line that is well, which looks every second; mostly it takes 20 ms."""
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)


@dataclass(slots=True)
class Times:
    """Seconds; None for what never came."""

    detect_s: float | None = None
    """From the beginning of the fault until a process was not ready, an answer was not 2xx, or a backlog was there."""
    recover_s: float | None = None
    """From the end of the fault until everybody is ready and what arrives is stored again."""
    drain_s: float | None = None
    """From the end of the fault until the backlog is that of a line which is well: on the way to the chats, and in the outboxes."""
    backlog: int = 0
    """The most webhooks that were accepted and not stored yet."""
    late_s: float = 0.0
    """The oldest event that was not published, once the backlog had drained."""


@dataclass
class Watch:
    """Runs beside the load. `began` and `ended` are told when the fault does."""

    stand: Stand
    load: Load
    database: Database
    times: Times = field(default_factory=Times)
    stored: int = 0
    _began: float | None = None
    _ended: float | None = None
    _stored_at_end: int = 0
    _answers_before: int = 0

    def began(self) -> None:
        """The fault begins."""
        self._began, self._answers_before = time.monotonic(), len(self.load.answers)

    def ended(self) -> None:
        """The fault is over."""
        self._ended, self._stored_at_end = time.monotonic(), self.stored

    @property
    def _usual_backlog(self) -> float:
        """What a line that is well is behind at most: one second's arrivals."""
        return self.load.per_second

    @property
    def well_again(self) -> bool:
        """Tell whether the line is as it was before."""
        return self.times.drain_s is not None and self.times.recover_s is not None

    async def run(self) -> None:
        """Look until cancelled."""
        away: list[str] = []
        ask_at = 0.0
        while True:
            recovering = self._ended is not None and self.times.recover_s is None
            if time.monotonic() >= ask_at or recovering or away:
                away = await asyncio.to_thread(self.stand.not_ready)
                ask_at = time.monotonic() + READY_EVERY_S
            behind: int | None = None
            oldest_s: float | None = None  # not asked yet: the fault may end while the others are
            try:
                if self._ended is not None:
                    oldest_s = await self.database.oldest_pending_s()
                self.stored = await self.database.stored()
                # In this order a message that comes in between looks like a backlog, never like less than none.
                behind = self.load.accepted - self.stored
            except LOST:
                pass
            self.note(away, behind, oldest_s)
            await asyncio.sleep(EVERY_S)

    def note(self, away: list[str], behind: int | None, oldest_s: float | None) -> None:
        """Take in who is away, how far the line is behind, and the oldest unpublished event's age (None: the database did not say)."""
        now = time.monotonic()
        if self._began is None:
            return
        if self.well_again and oldest_s is not None:
            self.times.late_s = max(self.times.late_s, oldest_s)
        if behind is not None:
            self.times.backlog = max(self.times.backlog, behind)
        if self.times.detect_s is None:
            wrong = [each.at for each in self.load.answers[self._answers_before :] if not 200 <= each.status < 300]
            seen = [*wrong[:1], *([now] if away or (behind or 0) > self._usual_backlog else [])]
            self.times.detect_s = min(seen) - self._began if seen else None
        if self._ended is None or behind is None or oldest_s is None or now < self._ended:
            return
        if self.times.recover_s is None and not away and self.stored > self._stored_at_end:
            self.times.recover_s = now - self._ended
        if self.times.drain_s is None and behind <= self._usual_backlog and oldest_s <= PUBLISHED_WITHIN_S:
            self.times.drain_s = now - self._ended
