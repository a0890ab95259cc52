"""Applying a batch: repeated in place, repeated whole, or halved until the poisonous event stands alone and is parked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from contracts.envelope import AnyEvent, encode
from contracts.reading import Unreadable
from kernel.backoff import Backoff
from kernel.failures import Failure
from msgspec import Raw
from telemetry.logs import get_logger
from telemetry.tracing import start_batch_span

from bus import gauges
from bus.subscription import Handle, Subscription

log = get_logger(__name__)

RACE_ATTEMPTS = 5


class Inbox(Protocol):
    """Where effects and inbox rows commit together."""

    async def apply(self, consumer: str, events: Sequence[AnyEvent], handle: Handle) -> int:
        """Apply what is new in one transaction; return how many that were."""

    async def park(self, consumer: str, items: Sequence[Any]) -> None:
        """Park events in the transaction of their inbox rows."""


class AbandonedError(Exception):
    """The deliveries are no longer ours: the channel closed while we repeated. The broker delivers them again."""


class Applier:
    """Applies elements of one subscription. Nothing goes back to the broker: what fails is repeated here or parked."""

    def __init__(
        self,
        subscription: Subscription,
        inbox: Inbox,
        *,
        classify: Callable[[BaseException], Failure],
        parked: Callable[[str, Unreadable, int], Any],
        describe: Callable[[BaseException], str],
    ) -> None:
        """`parked(consumer, unreadable, attempts)` makes what the inbox parks; `describe` names an error without values."""
        self._subscription = subscription
        self._inbox = inbox
        self._classify = classify
        self._parked = parked
        self._describe = describe

    async def apply(self, elements: Sequence[Raw], gone: asyncio.Event) -> None:
        """Apply all elements, in order; raise AbandonedError when `gone` is set while we wait for something to come back."""
        consumer = self._subscription.consumer
        events: list[AnyEvent] = []
        unreadable: list[Unreadable] = []
        for element in elements:
            event = self._subscription.reader.read(element)
            if isinstance(event, Unreadable):
                unreadable.append(event)
            else:
                events.append(event)
        gauges.BATCH_SIZE.labels(consumer).observe(len(elements))
        started = time.monotonic()
        with start_batch_span(f"consume {consumer}", [e.traceparent for e in events if e.traceparent]):
            if events:
                await self._apply(events, gone)
            if unreadable:
                await self._park(unreadable, 1, gone)
        gauges.APPLY_DURATION.labels(consumer).observe(time.monotonic() - started)
        if events:
            gauges.LATENCY.labels(consumer).observe(max(0.0, time.time() - events[-1].time.timestamp()))

    async def _apply(self, events: Sequence[AnyEvent], gone: asyncio.Event) -> None:
        consumer = self._subscription.consumer
        try:
            fresh = await self._repeat(lambda: self._inbox.apply(consumer, events, self._subscription.handle), gone)
        except AbandonedError:
            raise
        except Exception as error:  # deterministic: whatever the handler raised
            if len(events) > 1:
                gauges.SPLITS.labels(consumer).inc()
                middle = len(events) // 2
                await self._apply(events[:middle], gone)
                await self._apply(events[middle:], gone)
                return
            event = events[0]
            log.error(
                "event parked",
                consumer=consumer,
                event_id=event.id,
                event_type=event.type,
                reason="poison",
                tenant_id=event.tenantid,
                error_type=type(error).__name__,
            )
            await self._park([_poisonous(event, self._describe(error))], RACE_ATTEMPTS, gone)
            return
        if fresh < len(events):
            gauges.DUPLICATES.labels(consumer).inc(len(events) - fresh)

    async def _park(self, items: Sequence[Unreadable], attempts: int, gone: asyncio.Event) -> None:
        consumer = self._subscription.consumer
        parked = [self._parked(consumer, item, attempts) for item in items]
        await self._repeat(lambda: self._inbox.park(consumer, parked), gone)
        for item in items:
            gauges.PARKED.labels(consumer, item.reason).inc()

    async def _repeat(self, run: Callable[[], Awaitable[Any]], gone: asyncio.Event) -> Any:
        """Run until it succeeds or fails deterministically."""
        consumer = self._subscription.consumer
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
                gauges.REPEATS.labels(consumer, failure.value).inc()
                log.warning("batch repeated", consumer=consumer, failure=failure.value, error_type=type(error).__name__)
            try:
                async with asyncio.timeout(backoff.next_s()):
                    await gone.wait()
            except TimeoutError:
                continue
            raise AbandonedError


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
