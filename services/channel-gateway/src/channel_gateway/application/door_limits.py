"""What one channel and one address may take of the door: ceilings that keep it free for the others, no quotas (api.md 1.10).

On the way of every webhook, so counted in this process alone and with integers: a window begins for everybody at once, and what
was counted in it is forgotten as a whole when it ends.
"""

import math
import time
from collections.abc import Callable

from kernel.errors import DomainError
from telemetry.metrics import counter

REFUSED = counter("rate_limited_total", "requests refused by a rate limit", ("policy",))
MOST_COUNTED = 10_000
"""For how many a window counts; further ones share one count, so that no stranger with many addresses fills our memory."""
_OTHERS = ""


class Window:
    """At most `most` in `length_s` seconds, for each of those who come."""

    def __init__(self, most: int, length_s: float) -> None:
        self.most = most
        self.length_s = length_s
        self._ends = 0.0
        self._used: dict[str, int] = {}

    def count(self, whom: str, now: float) -> int:
        """Count one; return 0, or for how many seconds there is no room."""
        used = self._used
        if now >= self._ends:
            used.clear()
            self._ends = now + self.length_s
        before = used.get(whom)
        if before is None:
            if len(used) >= MOST_COUNTED:
                whom = _OTHERS
            before = used.get(whom, 0)
        if before >= self.most:
            return self._left_s(now)
        used[whom] = before + 1
        return 0

    def full_s(self, whom: str, now: float) -> int:
        """Return for how many seconds there is no room, without counting."""
        full = now < self._ends and self._used.get(whom, 0) >= self.most
        return self._left_s(now) if full else 0

    def _left_s(self, now: float) -> int:
        return max(1, math.ceil(self._ends - now))


class DoorLimits:
    """What is genuine counts by its channel; what is not, by the address that it came from.

    A WAHA server speaks for many channels: what it sends for one that is gone must not hold up the others. So whatever is signed is
    looked at, and only what turns out not to be genuine is refused for its address.
    """

    def __init__(
        self, minute: Window, burst: Window, unsigned: Window, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`minute` and `burst` are of a channel, `unsigned` of an address."""
        self._now = now
        self._minute = minute
        self._burst = burst
        self._unsigned = unsigned

    def count_genuine(self, channel_id: str) -> None:
        """Count a webhook of a channel; raise rate_limited, before anything is stored."""
        now = self._now()
        wait_s = self._burst.count(channel_id, now) or self._minute.count(channel_id, now)
        if wait_s:
            _refuse("webhook", "more than a channel may send at once", wait_s)

    def count_stranger(self, address: str) -> None:
        """Count what was not genuine; raise rate_limited."""
        wait_s = self._unsigned.count(address, self._now())
        if wait_s:
            _refuse("unsigned", "too much from there was not genuine", wait_s)

    def look_at_unsigned(self, address: str) -> None:
        """Raise rate_limited where what is not even signed need not be looked at."""
        wait_s = self._unsigned.full_s(address, self._now())
        if wait_s:
            _refuse("unsigned", "too much from there was not genuine", wait_s)


def _refuse(policy: str, detail: str, wait_s: int) -> None:
    REFUSED.labels(policy).inc()
    raise DomainError("rate_limited", detail, retry_after=wait_s)
