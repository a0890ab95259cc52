"""All the consuming of a service: one collector per subscription, and the drain of their dead letters."""

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
        parked: Callable[[str, Unreadable, int], Any],
        describe: Callable[[BaseException], str],
        dependency_answers: Callable[[], Awaitable[bool]],
        failpoints: Failpoints = NO_FAILPOINTS,
    ) -> None:
        """The parameters are those of Applier and Collector."""
        self._limits = limits
        self.collectors = [
            Collector(
                url,
                subscription,
                Applier(subscription, inbox, classify=classify, parked=parked, describe=describe),
                limits,
                dependency_answers=dependency_answers,
                failpoints=failpoints,
            )
            for subscription in subscriptions
        ]
        self.drain = DeadLetterDrain(url, subscriptions, inbox, parked=parked) if subscriptions else None

    @property
    def roles(self) -> list[Collector | DeadLetterDrain]:
        """Return what must run."""
        return [*self.collectors, *([self.drain] if self.drain else [])]

    def waits_for(self) -> list[str]:
        """Return the subscriptions that are not all there: connected is not the same as consuming."""
        wanted = set(self._limits.preferred())
        return [each.name.removeprefix("consume ") for each in self.collectors if not wanted <= each.subscribed]

    def lag_s(self, now: datetime) -> float | None:
        """Return the age of the oldest event that waits in any subscription; None while it is not known of all."""
        lags = {each.name.removeprefix("consume "): each.lag_s(now) for each in self.collectors}
        for consumer, lag_s in lags.items():
            if lag_s is not None:
                gauges.LAG.labels(consumer).set(lag_s)
        known = [lag_s for lag_s in lags.values() if lag_s is not None]
        return max(known) if known and len(known) == len(lags) else None
