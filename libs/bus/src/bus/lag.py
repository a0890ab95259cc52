"""How far consuming lags behind: the age of the oldest event that was delivered and is not applied yet.

Looked at every few seconds and not counted along with every message, so that it costs the line nothing.
"""

from collections.abc import Sequence
from datetime import datetime

from contracts.envelope import AnyEvent
from contracts.reading import Unreadable

SETTLED_IN_S = 2.0
"""How long after subscribing the broker has had time to deliver what was waiting."""


def age_of_oldest_s(events: Sequence[AnyEvent | Unreadable], now: datetime) -> float:
    """Return the age of the oldest of these events by its own time, 0 when there is none that can be read."""
    times = [event.time for event in events if not isinstance(event, Unreadable)]
    return max(0.0, (now - min(times)).total_seconds()) if times else 0.0
