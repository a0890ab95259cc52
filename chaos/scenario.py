"""What a fault file says of each of its scenarios, and what the checker is to expect of it."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from load import Load
    from stand import Stand

Bites = Mapping[str, float]
"""Counter → how often the fault bit. None at all, or a 0 among them, means that the run proves nothing."""

Break = Callable[["Stand", "Load", random.Random], Awaitable[Bites]]
"""Breaks something while load flows, ends the fault, and returns how often it bit. At most about 35 s."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One runnable row of the fault table; a row may have several."""

    number: int
    """Of the fault, in docs/reliability.md."""
    name: str
    """Beside the number: `6-broker-killed`."""
    title: str
    break_it: Break
    settings: Mapping[str, str] = field(default_factory=dict)
    """Environment of the whole stack; scenarios that agree in it share one."""
    sends: bool = False
    """Channels work, and programs write to customers and rules answer, too: the promises P5 and P6 are at stake."""
    channel: Mapping[str, Any] = field(default_factory=dict)
    """More that is said of every channel when it is made."""
    tenants: int = 5
    chats_each: int = 20
    per_second: float = 40.0
    sends_per_second: float = 4.0
    back_within_s: float = 15.0
    """Until a killed process is back in service."""
    late_after_s: float = 5.0
    """How old an unpublished event may be once the fault is over and its backlog drained (P2)."""

    @property
    def key(self) -> str:
        """Return what `--only` and the table call it."""
        return f"{self.number}-{self.name}"


@dataclass(slots=True)
class Expected:
    """What a fault does to particular operations, told by `break_it` as it does it."""

    parked: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(schema, reason) → how many events are parked."""
    parked_ops: set[str] = field(default_factory=set)
    """Webhooks whose message is parked somewhere on the line: neither stored nor lost."""
    applied_late: set[str] = field(default_factory=set)
    """Webhooks whose message was parked and applied by people, after later ones of its chat."""
    accepted_again: set[str] = field(default_factory=set)
    """Webhooks that came once more when their keys were gone: two raw deliveries, two messages for their session's counters, and one
    message all the same."""
