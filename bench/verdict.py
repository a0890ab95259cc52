"""What a run says: percentiles, the backlog over time, and whether the rate was sustained. Plain arithmetic over times in seconds."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_P99_MS = 500.0
LEAST_HEARD = 0.99
MOST_GROWTH_S = 0.25
"""By how many seconds' worth of arrivals the backlog may have grown over a run and still be called flat: that much is noise."""
MOST_LAG_S = 2.0
"""How old the oldest event may be that any consumer, also of those behind the line, had not applied when the load ended."""

PARTS = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}


def percentiles(seconds: Sequence[float], missing: int = 0) -> dict[str, float | None]:
    """Return p50, p95, p99 and the maximum in milliseconds. What never came (`missing`) took longest: None where it is reached."""
    ordered = sorted(seconds)
    total = len(ordered) + missing
    found: dict[str, float | None] = {}
    for name, part in PARTS.items():
        at = min(total - 1, int(total * part))
        found[name] = round(1000 * ordered[at], 2) if 0 <= at < len(ordered) else None
    return found


def backlog(
    due: Sequence[float], heard: Sequence[float], begins: float, ends: float, every_s: float = 0.5
) -> list[int]:
    """Return how many were due and not heard, at regular moments from `begins` to `ends`; both lists are sorted."""
    moments = (begins + every_s * step for step in range(1, int((ends - begins) / every_s) + 1))
    return [bisect_right(due, at) - bisect_right(heard, at) for at in moments]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return by how much the second value grows with one of the first: the straight line with the least squares through all points."""
    count = len(points)
    if count < 2:
        return 0.0
    at, value = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    return sum((x - at) * (y - value) for x, y in points) / sum((x - at) ** 2 for x, _ in points)


def growth(samples: Sequence[int]) -> float:
    """Return by how much a backlog grew from the first sample to the last: a straight line through all of them, so one peak is none.

    The first tenth is left out: a line that begins to work fills up first.
    """
    steady = samples[len(samples) // 10 :]
    return slope(list(enumerate(steady))) * max(0, len(steady) - 1)


@dataclass(frozen=True)
class Outcome:
    """One run at a fixed rate. Latencies run from when a message was due; what was not heard has none."""

    per_s: float
    due: Sequence[float]
    heard: Sequence[float]
    latencies: Sequence[float]
    begins: float
    ends: float
    lag_s: float = 0.0
    refused: int = 0
    backlog: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Sort out the backlog once."""
        object.__setattr__(self, "backlog", backlog(self.due, self.heard, self.begins, self.ends))

    @property
    def missing(self) -> int:
        """Messages that were due and never heard."""
        return len(self.due) - len(self.latencies)

    @property
    def latency(self) -> dict[str, float | None]:
        """Milliseconds from due to heard."""
        return percentiles(self.latencies, self.missing)

    @property
    def sustained_per_s(self) -> float:
        """Messages heard for each second of load, if everything that was due came."""
        return len(self.latencies) / (self.ends - self.begins)

    def why_not(self) -> list[str]:
        """Return why this rate was not sustained; empty where it was."""
        reasons = []
        share = len(self.latencies) / max(len(self.due), 1)
        if share < LEAST_HEARD:
            reasons.append(f"only {share:.1%} of the messages were heard")
        p99 = self.latency["p99_ms"]
        if p99 is None or p99 >= MOST_P99_MS:
            reasons.append(f"p99 {'never' if p99 is None else f'{p99:.0f} ms'} (under {MOST_P99_MS:.0f} ms wanted)")
        grew = growth(self.backlog)
        if grew > MOST_GROWTH_S * self.per_s:
            reasons.append(f"the backlog grew by {grew:.0f} to {self.backlog[-1]}")
        if self.lag_s > MOST_LAG_S:
            reasons.append(f"a consumer was {self.lag_s:.1f} s behind at the end")
        if self.refused:
            reasons.append(f"{self.refused} webhooks were not answered 200")
        return reasons
