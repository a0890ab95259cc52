"""A circuit breaker for one server: after many failures it is left alone for a while, then tried carefully.

Opens at 60 % failures of at least 10 calls within 60 s; half open after 30 s, with 5 probes. Source: domain.md 6.6.
"""

from collections import deque
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "half_open", "open"]

WINDOW_S = 60.0
LEAST_CALLS = 10
FAILING = 0.6
OPEN_S = 30.0
PROBES = 5


class Breaker:
    """Ask `may_start` before calls, say `started` and `ended` around each."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is a monotonic clock in seconds."""
        self._now = now
        self._calls: deque[tuple[float, bool]] = deque()
        self._opened_at: float | None = None
        self._probing = 0
        self._probed = 0

    @property
    def state(self) -> State:
        """Return the state at this moment."""
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._now() - self._opened_at >= OPEN_S else "open"

    def may_start(self, wanted: int) -> int:
        """Return how many of the wanted calls may be made now."""
        state = self.state
        if state == "closed":
            return wanted
        return 0 if state == "open" else max(0, min(wanted, PROBES - self._probing - self._probed))

    def started(self) -> None:
        """A call begins."""
        if self.state == "half_open":
            self._probing += 1

    def ended(self, *, ill: bool) -> None:
        """A call has ended; `ill`: the server failed at it."""
        now = self._now()
        if self._opened_at is not None:
            self._probe_ended(now, ill=ill)
            return
        self._calls.append((now, ill))
        while self._calls and self._calls[0][0] < now - WINDOW_S:
            self._calls.popleft()
        # A call that went well never opens it: the server is back just now.
        if ill and len(self._calls) >= LEAST_CALLS and self._failed() >= FAILING * len(self._calls):
            self._open(now)

    def _failed(self) -> int:
        return sum(failed for _, failed in self._calls)

    def _probe_ended(self, now: float, *, ill: bool) -> None:
        if not self._probing:
            return  # it began before the breaker opened
        self._probing -= 1
        if ill:
            self._open(now)
            return
        self._probed += 1
        if self._probed >= PROBES:
            self._opened_at = None
            self._calls.clear()
            self._probing = self._probed = 0

    def _open(self, now: float) -> None:
        self._opened_at = now
        self._calls.clear()
        self._probing = self._probed = 0
