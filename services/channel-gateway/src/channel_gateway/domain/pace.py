"""How fast a channel may send: token buckets whose whole state is one moment each.

`next_at` is when the next send would be due if nothing were saved up. A burst of b means that it may lie (b − 1) intervals
ahead of now. Sources: domain.md 6.6.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

HIGH_PER_MINUTE = 60
HIGH_BURST = 20


@dataclass(frozen=True, slots=True)
class Bucket:
    """`every_s` seconds between sends, `burst` at once, each distance changed at random by up to `jitter` of it."""

    every_s: float
    burst: int
    jitter: float = 0.0

    def left(self, next_at: datetime | None, now: datetime) -> int:
        """Return how many may be sent now."""
        if next_at is None:
            return self.burst
        saved = (now - next_at).total_seconds() / self.every_s + self.burst
        return max(0, min(self.burst, int(saved + 1e-9)))

    def taken(self, count: int, next_at: datetime | None, now: datetime, rand: Callable[[], float]) -> datetime:
        """Return `next_at` after `count` sends. `rand` gives numbers in [0, 1)."""
        moved = max(next_at or now, now)
        for _ in range(count):
            moved += timedelta(seconds=self.every_s * (1 + self.jitter * (2 * rand() - 1)))
        return moved

    def wait_s(self, next_at: datetime | None, now: datetime) -> float:
        """Return the seconds until one more may be sent."""
        if self.left(next_at, now):
            return 0.0
        assert next_at is not None
        return (next_at - now).total_seconds() - (self.burst - 1) * self.every_s


@dataclass(frozen=True, slots=True)
class Pace:
    """The buckets of a channel: one for what people and AI write, one for what is automated."""

    high: Bucket
    automated: Bucket


def pace_of(settings: Mapping[str, Any]) -> Pace:
    """Return the pace that a channel's settings ask for."""
    return Pace(
        high=Bucket(60 / HIGH_PER_MINUTE, HIGH_BURST),
        automated=Bucket(60 / settings["messages_per_minute"], settings["burst"], settings["jitter_percent"] / 100),
    )
