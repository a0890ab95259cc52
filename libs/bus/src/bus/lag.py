"""How far consuming lags behind: the age of the oldest event that was delivered and is not applied yet.

Looked at every few seconds and not counted along with every message, so that it costs the line nothing.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

SETTLED_IN_S = 2.0
"""How long after subscribing the broker has had time to deliver what was waiting."""


class _Timed(msgspec.Struct):
    time: datetime


_read = msgspec.json.Decoder(_Timed).decode


def age_of_oldest_s(elements: Sequence[msgspec.Raw], now: datetime) -> float:
    """Return the age of the oldest of these events by its own time, 0 when there is none that tells it."""
    oldest = now
    for element in elements:
        try:
            oldest = min(oldest, _read(element).time)
        except (msgspec.MsgspecError, TypeError):  # unreadable, or a time without a zone: parked by whoever applies it
            continue
    return (now - oldest).total_seconds()
