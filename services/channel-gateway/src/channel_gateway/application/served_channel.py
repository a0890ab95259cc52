"""What a sender knows of a channel that it serves, and of the server behind it. All of it may be forgotten at any moment."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from telemetry.metrics import counter, gauge

from channel_gateway.application.senders import ChannelKey, Profile, Standing
from channel_gateway.application.sends import Budget
from channel_gateway.domain.breaker import Breaker
from channel_gateway.domain.pace import Bucket, Pace, pace_of
from channel_gateway.domain.send_outcomes import Outcome

BREAKER_STATE = gauge("circuit_breaker_state", "0 closed, 1 half open, 2 open: the worst of the class", ("name",))
BREAKER_FAILURES = counter("circuit_breaker_failures", "calls at which a server failed", ("name",))
_NAME = "waha"
_LEVELS = {"closed": 0, "half_open": 1, "open": 2}

CALLS_PER_S, CALL_BURST = 15, 20

Monotonic: TypeAlias = Callable[[], float]


class Host:
    """A provider's server: its circuit breaker and how often it may be called."""

    def __init__(self, now: Monotonic) -> None:
        self.breaker = Breaker(now)
        self._calls = Bucket(1 / CALLS_PER_S, CALL_BURST)
        self._next_at: datetime | None = None

    def may_start(self, wanted: int, now: datetime, *, paced: bool) -> int:
        """Return how many of the wanted calls may begin."""
        allowed = self.breaker.may_start(wanted)
        return min(allowed, self._calls.left(self._next_at, now)) if paced else allowed

    def begin(self, now: datetime) -> None:
        """A call begins."""
        self.breaker.started()
        self._next_at = self._calls.taken(1, self._next_at, now, lambda: 0.5)

    def end(self, outcome: Outcome) -> None:
        """A call has ended."""
        self.breaker.ended(ill=outcome.shows_illness)
        if outcome.shows_illness:
            BREAKER_FAILURES.labels(_NAME).inc()


class Hosts:
    """Servers by their base address."""

    def __init__(self, now: Monotonic = time.monotonic) -> None:
        self._now = now
        self._hosts: dict[str, Host] = {}

    def of(self, base_url: str) -> Host:
        """Return the server at an address."""
        if base_url not in self._hosts:
            self._hosts[base_url] = Host(self._now)
        return self._hosts[base_url]

    def measure(self) -> None:
        """Show the worst breaker."""
        worst = max((_LEVELS[host.breaker.state] for host in self._hosts.values()), default=0)
        BREAKER_STATE.labels(_NAME).set(worst)


@dataclass(eq=False)
class ServedChannel:
    """A channel whose lease is ours. `ids` are reserved at the provider and not used yet.

    `failures`: how often in a row it could not be prepared; it is left alone until `rest_until`.
    """

    key: ChannelKey
    idle_since: float
    works: bool = False
    profile: Profile | None = None
    known_at: float = 0.0
    in_flight: int = 0
    ids: list[str] = field(default_factory=list)
    asking: bool = False
    failures: int = 0
    rest_until: float = 0.0

    @property
    def reserves_ids(self) -> bool | None:
        """Tell whether sends of this channel take an id of ours; None where that is not known yet."""
        return None if self.profile is None else self.profile.reserves_ids

    @property
    def is_busy(self) -> bool:
        """Tell whether something is under way. Failures are: who begins anew would never count up to the last."""
        return self.in_flight > 0 or self.asking or (self.works and self.failures > 0)

    def pace(self) -> Pace:
        """Return how fast it may go."""
        assert self.profile is not None
        return pace_of(self.profile.pace)

    def is_current(self, version: int) -> bool:
        """Tell whether what we know of it still holds."""
        return self.profile is not None and self.profile.version == version

    def learn(self, profile: Profile, now: float) -> None:
        """Take over what has changed; ids that another session gave are worth nothing."""
        if self.profile is None or self.profile.server != profile.server:
            self.ids.clear()
        self.profile, self.known_at = profile, now

    def budget(self, standing: Standing, host: Host, parallel: int, *, paced: bool) -> Budget:
        """Return how much may begin now."""
        slots = parallel - self.in_flight
        if self.reserves_ids:
            slots = min(slots, len(self.ids))
        slots = host.may_start(slots, standing.now, paced=paced)
        high = automated = slots
        if paced:
            pace = self.pace()
            high = min(slots, pace.high.left(standing.high_at, standing.now))
            automated = min(slots, pace.automated.left(standing.automated_at, standing.now))
        return Budget(*self.key, slots, high, automated, standing.new_chats)
