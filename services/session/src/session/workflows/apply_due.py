"""The activity of a timekeeper: one turn, in one transaction."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from outbox.work import UnitOfWork, Works
from telemetry.metrics import SECONDS, counter, gauge, histogram
from temporalio import activity

from session.application.end_due_sessions import end_due_sessions
from session.application.work import Work
from session.domain.turns import Shard, Turn
from session.workflows.turns import APPLY_DUE, Keeping, TurnDone

LATENESS = histogram(
    "session_timer_lateness_seconds", "a session's deadline to its end", buckets=(*SECONDS, 60.0, 300.0, 3600.0)
)
HELD = gauge("timekeeper_held_seconds", "how long lagging consumers have kept deadlines back")
TURNS = counter("timekeeper_turns_total", "turns of timekeepers", ("result",))

LEAST_SLEEP_S = 1.0
HELD_SLEEP_S = 5.0


@dataclass(frozen=True)
class Pace:
    """How many timekeepers there are, how long one sleeps at most, and how far a consumer may lag behind."""

    shards: int = 1
    max_sleep_s: float = 15.0
    max_lag: timedelta = timedelta(seconds=5)


class ApplyDue:
    """Takes turns for the timekeepers whose activity is given to this process."""

    def __init__(self, works: Works, work_of: Callable[[UnitOfWork], Work], pace: Pace) -> None:
        self._works = works
        self._work_of = work_of
        self._pace = pace
        self._held_since: float | None = None

    @activity.defn(name=APPLY_DUE)
    async def apply_due(self, keeping: Keeping) -> TurnDone:
        """Take a turn; what fails is taken again by Temporal."""
        if keeping.shards != self._pace.shards:
            return TurnDone(self._works.clock().isoformat(), {}, None, False, 0, dismissed=True)
        async with self._works.begin(()) as work:
            turn = await end_due_sessions(Shard(keeping.shard, keeping.shards), self._pace.max_lag, self._work_of(work))
        self._measure(turn)
        return TurnDone(
            at=work.now.isoformat(),
            done={"end": len(turn.late_s)},
            next_due_at=turn.next_check_at.isoformat() if turn.next_check_at else None,
            held_back=turn.held_back,
            sleep_s=self._sleep_s(turn, work.now),
        )

    def _sleep_s(self, turn: Turn, now: datetime) -> float:
        if turn.more:
            return 0
        if turn.held_back:
            return min(HELD_SLEEP_S, self._pace.max_sleep_s)
        if turn.next_check_at is None:
            return self._pace.max_sleep_s
        return min(max(LEAST_SLEEP_S, (turn.next_check_at - now).total_seconds()), self._pace.max_sleep_s)

    def _measure(self, turn: Turn) -> None:
        TURNS.labels("held_back" if turn.held_back else "taken").inc()
        for late_s in turn.late_s:
            LATENESS.observe(late_s)
        if not turn.held_back:
            self._held_since = None
        elif self._held_since is None:
            self._held_since = time.monotonic()
        HELD.set(0 if self._held_since is None else time.monotonic() - self._held_since)
