"""One turn of the timekeeper: what it looks after, and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime

MOST_AT_ONCE = 1000
"""Deadlines that one transaction works off."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of all sessions: those whose id's last byte leaves `number` when divided by `of`."""

    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn did. `late_s` holds for each ended session how long after its deadline it ended, in seconds."""

    held_back: bool = False
    late_s: list[float] = field(default_factory=list)
    more: bool = False
    next_check_at: datetime | None = None
