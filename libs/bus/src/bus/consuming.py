"""All the consuming of a service: one collector of its subscriptions, and the drain of their dead letters."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from contracts.reading import Unreadable
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from kernel.failures import Failure

from bus import gauges
from bus.applying import Applier, Inbox
from bus.collector import Collector, Limits
from bus.dead_letters import DeadLetterDrain
from bus.subscription import Subscription


class Consuming:
    """The consuming roles of one service, and what readiness asks of them."""

    def __init__(
        self,
        url: str,
        subscriptions: Sequence[Subscription],
        inbox: Inbox,
        limits: Limits,
        *,
        classify: Callable[[BaseException], Failure],
        parked: Callable[[str, Unreadable, int, str | None], Any],
        describe: Callable[[BaseException], str],
        dependency_answers: Callable[[], Awaitable[bool]],
        failpoints: Failpoints = NO_FAILPOINTS,
    ) -> None:
        """The parameters are those of Applier and Collector."""
        applier = Applier(inbox, classify=classify, parked=parked, describe=describe)
        self._collector = Collector(
            url, subscriptions, applier, limits, dependency_answers=dependency_answers, failpoints=failpoints
        )
        self._drain = DeadLetterDrain(url, subscriptions, inbox, parked=parked)

    @property
    def roles(self) -> list[Collector | DeadLetterDrain]:
        """Return what must run."""
        return [self._collector, self._drain]

    def waits_for(self) -> list[str]:
        """Return the consumers that are not all there."""
        return self._collector.waits_for()

    def lag_s(self, now: datetime) -> float | None:
        """Return the age of the oldest event that waits in any subscription; None while it is not known of all."""
        lags = self._collector.lags_s(now)
        if lags is None:
            return None
        for consumer, lag_s in lags.items():
            gauges.LAG.labels(consumer).set(lag_s)
        return max(lags.values())
