"""What a timekeeper and its activity say to each other. Plain: a workflow may import nothing else of ours."""

from dataclasses import dataclass

QUEUE = "session-management"
TIMEKEEPER = "session-timekeeper"
APPLY_DUE = "session-apply-due"


@dataclass(frozen=True)
class Keeping:
    """Which part of all sessions a timekeeper looks after: shard number `shard` of so many `shards`."""

    shard: int
    shards: int


@dataclass(frozen=True)
class TurnDone:
    """What became of a turn, and how long to sleep before the next one. Times are RFC 3339."""

    at: str
    done: dict[str, int]
    next_due_at: str | None
    held_back: bool
    sleep_s: float
    dismissed: bool = False
    """There is another number of shards now: this timekeeper is not one of them."""


def timekeeper_id(shard: int) -> str:
    """Return the workflow id of a shard's timekeeper."""
    return f"{TIMEKEEPER}-{shard}"
