"""Applying a batch: repeated in place, repeated whole, or halved until the poisonous event stands alone and is parked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol

from contracts.bundles import Bundle
from contracts.envelope import AnyEvent, encode
from contracts.reading import Unreadable
from kernel.backoff import Backoff
from kernel.failures import Failure
from telemetry.logs import get_logger
from telemetry.tracing import start_batch_span

from bus import gauges
from bus.subscription import Handle, Subscription

log = get_logger(__name__)

RACE_ATTEMPTS = 5


class Inbox(Protocol):
    """Where effects and inbox rows commit together."""

    async def apply(self, heard: Sequence[tuple[str, Sequence[Bundle], Handle]]) -> Sequence[int]:
        """Apply what is new of each consumer's events in one transaction; return how many that were, in the same order."""

    async def park(self, consumer: str, items: Sequence[Any]) -> None:
        """Park events in the transaction of their inbox rows."""


class AbandonedError(Exception):
    """The deliveries are no longer ours: the channel closed while we repeated. The broker delivers them again."""


Heard = Sequence[tuple[Subscription, Bundle]]
"""Bundles with those who hear them, those of one subscription together and in order."""


class Applier:
    """Applies what a service has heard. Nothing goes back to the broker: what fails is repeated here or parked."""

    def __init__(
        self,
        inbox: Inbox,
        *,
        classify: Callable[[BaseException], Failure],
        parked: Callable[[str, Unreadable, int, str | None], Any],
        describe: Callable[[BaseException], str],
    ) -> None:
        """`parked(consumer, unreadable, attempts, bundle_id)` makes what the inbox parks; `describe` names an error without values."""
        self._inbox = inbox
        self._classify = classify
        self._parked = parked
        self._describe = describe

    async def apply(self, read: Mapping[Subscription, Sequence[Bundle]], gone: asyncio.Event) -> None:
        """Apply all, each subscription's in order; raise AbandonedError when `gone` is set while we wait for something to come back."""
        heard: list[tuple[Subscription, Bundle]] = []
        unreadable: list[tuple[str, list[Unreadable]]] = []
        for subscription, bundles in read.items():
            bad = [event for bundle in bundles for event in bundle.events if isinstance(event, Unreadable)]
            if bad:
                unreadable.append((subscription.consumer, bad))
                bundles = _readable(bundles)
            heard += [(subscription, bundle) for bundle in bundles]
            gauges.BATCH_SIZE.labels(subscription.consumer).observe(
                len(bad) + sum(len(bundle.events) for bundle in bundles)
            )
        started = time.monotonic()
        traces = [event.traceparent for _, bundle in heard for event in bundle.events if event.traceparent]
        with start_batch_span("consume", traces):
            if heard:
                await self._apply(heard, gone)
            for consumer, items in unreadable:
                await self._park(consumer, items, 1, None, gone)
        now, took = time.time(), time.monotonic() - started
        for subscription, applied in _by_subscription(heard):
            gauges.APPLY_DURATION.labels(subscription.consumer).observe(took)
            newest = applied[-1].events[-1]
            gauges.LATENCY.labels(subscription.consumer).observe(max(0.0, now - newest.time.timestamp()))

    async def _apply(self, heard: Heard, gone: asyncio.Event) -> None:
        batches = _by_subscription(heard)
        consumers = [subscription.consumer for subscription, _ in batches]
        try:
            fresh = await self._repeat(
                lambda: self._inbox.apply([(each.consumer, bundles, each.handle) for each, bundles in batches]),
                consumers,
                gone,
            )
        except AbandonedError:
            raise
        except Exception as error:  # deterministic: whatever a handler raised
            if len(heard) > 1 or len(heard[0][1].events) > 1:
                for consumer in consumers:
                    gauges.SPLITS.labels(consumer).inc()
                for half in _halves(heard):
                    await self._apply(half, gone)
                return
            consumer, bundle = consumers[0], heard[0][1]
            event = bundle.events[0]
            log.error(
                "event parked",
                consumer=consumer,
                event_id=event.id,
                event_type=event.type,
                reason="poison",
                tenant_id=event.tenantid,
                error_type=type(error).__name__,
            )
            item = _poisonous(event, self._describe(error))
            await self._park(consumer, [item], RACE_ATTEMPTS, bundle.id, gone)
            return
        for (subscription, bundles), new in zip(batches, fresh, strict=True):
            if known := sum(len(bundle.events) for bundle in bundles) - new:
                gauges.DUPLICATES.labels(subscription.consumer).inc(known)

    async def _park(
        self, consumer: str, items: Sequence[Unreadable], attempts: int, bundle_id: str | None, gone: asyncio.Event
    ) -> None:
        parked = [self._parked(consumer, item, attempts, bundle_id) for item in items]
        await self._repeat(lambda: self._inbox.park(consumer, parked), [consumer], gone)
        for item in items:
            gauges.PARKED.labels(consumer, item.reason).inc()

    async def _repeat(self, run: Callable[[], Awaitable[Any]], consumers: Sequence[str], gone: asyncio.Event) -> Any:
        """Run until it succeeds or fails deterministically."""
        backoff = Backoff(0.05, 5.0)
        races = 0
        while True:
            try:
                return await run()
            except Exception as error:
                failure = self._classify(error)
                races += failure is Failure.RACE
                if failure is Failure.DETERMINISTIC or races >= RACE_ATTEMPTS:
                    raise
                for consumer in consumers:
                    gauges.REPEATS.labels(consumer, failure.value).inc()
                log.warning(
                    "batch repeated", consumers=consumers, failure=failure.value, error_type=type(error).__name__
                )
            try:
                async with asyncio.timeout(backoff.next_s()):
                    await gone.wait()
            except TimeoutError:
                continue
            raise AbandonedError


def _by_subscription(heard: Heard) -> list[tuple[Subscription, list[Bundle]]]:
    return [
        (subscription, [bundle for _, bundle in pairs])
        for subscription, pairs in groupby(heard, key=lambda pair: pair[0])
    ]


def _readable(bundles: Sequence[Bundle]) -> list[Bundle]:
    readable = (
        bundle._replace(events=[each for each in bundle.events if not isinstance(each, Unreadable)])
        for bundle in bundles
    )
    return [bundle for bundle in readable if bundle.events]


def _halves(heard: Heard) -> tuple[Heard, Heard]:
    """Cut between bundles as long as there are several, then the one that is left."""
    if len(heard) > 1:
        middle = len(heard) // 2
        return heard[:middle], heard[middle:]
    ((subscription, bundle),) = heard
    first, second = bundle.halves()
    return [(subscription, first)], [(subscription, second)]


def _poisonous(event: AnyEvent, error: str) -> Unreadable:
    return Unreadable(
        encode(event),
        "poison",
        error,
        event_id=event.id,
        tenant_id=event.tenantid,
        project_id=event.projectid,
        event_type=event.type,
        subject=event.subject,
        traceparent=event.traceparent,
    )
