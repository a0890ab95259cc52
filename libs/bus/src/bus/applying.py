"""Applying a batch: repeated in place, repeated whole, or halved until the poisonous event stands alone and is parked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol

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

    async def apply(self, heard: Sequence[tuple[str, Sequence[AnyEvent], Handle]]) -> Sequence[int]:
        """Apply what is new of each consumer's events in one transaction; return how many that were, in the same order."""

    async def park(self, consumer: str, items: Sequence[Any]) -> None:
        """Park events in the transaction of their inbox rows."""


class AbandonedError(Exception):
    """The deliveries are no longer ours: the channel closed while we repeated. The broker delivers them again."""


Read = AnyEvent | Unreadable
Heard = Sequence[tuple[Subscription, AnyEvent]]
"""Events with those who hear them, those of one subscription together and in order."""


class Applier:
    """Applies what a service has heard. Nothing goes back to the broker: what fails is repeated here or parked."""

    def __init__(
        self,
        inbox: Inbox,
        *,
        classify: Callable[[BaseException], Failure],
        parked: Callable[[str, Unreadable, int], Any],
        describe: Callable[[BaseException], str],
    ) -> None:
        """`parked(consumer, unreadable, attempts)` makes what the inbox parks; `describe` names an error without values."""
        self._inbox = inbox
        self._classify = classify
        self._parked = parked
        self._describe = describe

    async def apply(self, read: Mapping[Subscription, Sequence[Read]], gone: asyncio.Event) -> None:
        """Apply all, each subscription's in order; raise AbandonedError when `gone` is set while we wait for something to come back."""
        heard: list[tuple[Subscription, AnyEvent]] = []
        unreadable: list[tuple[str, list[Unreadable]]] = []
        for subscription, events in read.items():
            heard += [(subscription, event) for event in events if not isinstance(event, Unreadable)]
            if bad := [event for event in events if isinstance(event, Unreadable)]:
                unreadable.append((subscription.consumer, bad))
            gauges.BATCH_SIZE.labels(subscription.consumer).observe(len(events))
        started = time.monotonic()
        with start_batch_span("consume", [event.traceparent for _, event in heard if event.traceparent]):
            if heard:
                await self._apply(heard, gone)
            for consumer, items in unreadable:
                await self._park(consumer, items, 1, gone)
        now, took = time.time(), time.monotonic() - started
        for subscription, applied in _by_subscription(heard):
            gauges.APPLY_DURATION.labels(subscription.consumer).observe(took)
            gauges.LATENCY.labels(subscription.consumer).observe(max(0.0, now - applied[-1].time.timestamp()))

    async def _apply(self, heard: Heard, gone: asyncio.Event) -> None:
        batches = _by_subscription(heard)
        consumers = [subscription.consumer for subscription, _ in batches]
        try:
            fresh = await self._repeat(
                lambda: self._inbox.apply([(each.consumer, events, each.handle) for each, events in batches]),
                consumers,
                gone,
            )
        except AbandonedError:
            raise
        except Exception as error:  # deterministic: whatever a handler raised
            if len(heard) > 1:
                for consumer in consumers:
                    gauges.SPLITS.labels(consumer).inc()
                middle = len(heard) // 2
                await self._apply(heard[:middle], gone)
                await self._apply(heard[middle:], gone)
                return
            consumer, event = consumers[0], heard[0][1]
            log.error(
                "event parked",
                consumer=consumer,
                event_id=event.id,
                event_type=event.type,
                reason="poison",
                tenant_id=event.tenantid,
                error_type=type(error).__name__,
            )
            await self._park(consumer, [_poisonous(event, self._describe(error))], RACE_ATTEMPTS, gone)
            return
        for (subscription, events), new in zip(batches, fresh, strict=True):
            if new < len(events):
                gauges.DUPLICATES.labels(subscription.consumer).inc(len(events) - new)

    async def _park(self, consumer: str, items: Sequence[Unreadable], attempts: int, gone: asyncio.Event) -> None:
        parked = [self._parked(consumer, item, attempts) for item in items]
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


def _by_subscription(heard: Heard) -> list[tuple[Subscription, list[AnyEvent]]]:
    return [
        (subscription, [event for _, event in pairs])
        for subscription, pairs in groupby(heard, key=lambda pair: pair[0])
    ]


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
