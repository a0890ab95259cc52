"""The collector: what all partitions of a subscription have delivered becomes one transaction, then it is settled.

One connection and one channel per subscription, since a cumulative ack counts per channel. Only the contiguous run of delivery tags
is taken, so nothing is acked that was not applied. Stopping closes the channel first and never cancels the consumer: with a single
active consumer a cancel lets the successor overtake what we hold (architecture: everything is a batch).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from contracts.reading import UndecodableError, elements_of
from kernel.backoff import Backoff
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from msgspec import Raw
from telemetry.logs import get_logger

from bus import gauges
from bus.applying import AbandonedError, Applier
from bus.connection import BROKER_ERRORS, SETUP_TIMEOUT_S, connected, open_consuming_channel
from bus.lag import SETTLED_IN_S, age_of_oldest_s
from bus.subscription import Subscription

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken at once, and how partitions are shared between replicas."""

    partitions: int
    prefetch: int = 8
    events: int = 500
    bytes: int = 4 * 1024 * 1024
    replica: int = 0
    replicas: int = 1
    others_after_s: float = 10.0
    settle_timeout_s: float = 10.0
    keep_at_most_s: float = 20 * 60

    def preferred(self) -> list[int]:
        """Return the partitions that this replica subscribes at once; the others follow later, in case nobody else is there."""
        return [each for each in range(self.partitions) if each % self.replicas == self.replica % self.replicas]


@dataclass(slots=True)
class _Run:
    """A contiguous run of deliveries. `decodable_tag` is the last of those that could be cut into events."""

    decodable_tag: int | None = None
    elements: list[Raw] = field(default_factory=list)
    undecodable: list[int] = field(default_factory=list)


class _Intake:
    """What a channel has delivered and we have not taken yet. Its tags are worth nothing on any other channel."""

    def __init__(self) -> None:
        self._arrived: dict[int, bytes] = {}
        self._next_tag = 1
        self.woken = asyncio.Event()
        self.gone = asyncio.Event()

    async def deliver(self, message: AbstractIncomingMessage) -> None:
        """Append; this is all that happens per delivery."""
        assert message.delivery_tag is not None
        self._arrived[message.delivery_tag] = message.body
        self.woken.set()

    def close(self) -> None:
        """The channel is gone, and so is everything it delivered."""
        self.gone.set()
        self.woken.set()

    def take(self, limits: Limits) -> _Run | None:
        """Take the contiguous run that has arrived, up to the limits and at least one message."""
        run: _Run | None = None
        size = 0
        while (body := self._arrived.get(self._next_tag)) is not None:
            if run and (len(run.elements) >= limits.events or size + len(body) > limits.bytes):
                break
            del self._arrived[self._next_tag]
            run = run or _Run()
            try:
                run.elements += elements_of(body)
                run.decodable_tag = self._next_tag
            except UndecodableError:
                run.undecodable.append(self._next_tag)
            self._next_tag += 1
            size += len(body)
        return run


class Collector:
    """A kernel Role: consumes one subscription until told to stop."""

    def __init__(
        self,
        url: str,
        subscription: Subscription,
        applier: Applier,
        limits: Limits,
        *,
        dependency_answers: Callable[[], Awaitable[bool]],
        failpoints: Failpoints = NO_FAILPOINTS,
    ) -> None:
        """`dependency_answers` tells whether a batch could be applied now; nothing is subscribed while it says no."""
        self.name = f"consume {subscription.consumer}"
        self._url = url
        self._subscription = subscription
        self._applier = applier
        self._limits = limits
        self._dependency_answers = dependency_answers
        self._failpoints = failpoints
        self.subscribed: set[int] = set()
        self.settled_at: float | None = None
        self._whole_since: float | None = None
        self._in_hand: Sequence[Raw] = ()

    def lag_s(self, now: datetime) -> float | None:
        """Return the age in seconds of the oldest event that is in hand and not applied, 0 when there is none.

        None until what waits at the broker has had time to reach us: not to hear is not the same as nothing to hear. What the
        broker still holds is younger, since each queue keeps its order and every batch takes all that has arrived.
        """
        if self._whole_since is None or time.monotonic() - self._whole_since < SETTLED_IN_S:
            return None
        return age_of_oldest_s(self._in_hand, now)

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume; after every loss of the connection start over, until told to stop."""
        backoff = Backoff(0.1, 5.0)
        while not stopping.is_set():
            try:
                if await self._dependency_answers():
                    await self._consume(stopping, backoff)
            except BROKER_ERRORS as error:
                log.warning(
                    "subscription interrupted", consumer=self._subscription.consumer, error_type=type(error).__name__
                )
            self.subscribed.clear()
            try:
                async with asyncio.timeout(backoff.next_s()):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def _consume(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        names = self._subscription.names
        intake = _Intake()
        async with connected(self._url, f"{names.service} {names.consumer}") as connection:
            channel = await open_consuming_channel(connection, self._limits.prefetch, intake.close)
            guards = [
                asyncio.create_task(self._subscribe(channel, intake)),
                asyncio.create_task(self._close_first(channel, stopping, intake)),
            ]
            try:
                await self._work(channel, intake, backoff)
                for guard in guards:
                    if guard.done():
                        guard.result()
            finally:
                self._whole_since, self._in_hand = None, ()
                for guard in guards:
                    guard.cancel()
                await asyncio.gather(*guards, return_exceptions=True)

    async def _subscribe(self, channel: AbstractChannel, intake: _Intake) -> None:
        """Subscribe our preferred partitions at once and the others later. Queues are looked for, never made."""
        try:
            preferred = self._limits.preferred()
            for partition in preferred:
                await self._subscribe_one(channel, intake, partition, priority=1)
            self._whole_since = time.monotonic()
            others = [each for each in range(self._limits.partitions) if each not in preferred]
            if others:
                await asyncio.sleep(self._limits.others_after_s)
                for partition in others:
                    await self._subscribe_one(channel, intake, partition, priority=0)
        except BROKER_ERRORS:
            intake.close()
            raise

    async def _subscribe_one(self, channel: AbstractChannel, intake: _Intake, partition: int, priority: int) -> None:
        async with asyncio.timeout(SETUP_TIMEOUT_S):
            queue = await channel.get_queue(self._subscription.names.queue(partition), ensure=True)
            await queue.consume(intake.deliver, arguments={"x-priority": priority})
        self.subscribed.add(partition)

    async def _close_first(self, channel: AbstractChannel, stopping: asyncio.Event, intake: _Intake) -> None:
        await stopping.wait()
        intake.close()
        async with asyncio.timeout(self._limits.settle_timeout_s):
            await channel.close()

    async def _work(self, channel: AbstractChannel, intake: _Intake, backoff: Backoff) -> None:
        while not intake.gone.is_set():
            run = intake.take(self._limits)
            if run is None:
                intake.woken.clear()
                if not intake.gone.is_set():
                    await intake.woken.wait()
                continue
            self._failpoints.reach("consumer.before_transaction")
            self._in_hand = run.elements
            keeping = asyncio.get_running_loop().call_later(self._limits.keep_at_most_s, intake.close)
            try:
                if run.elements:
                    await self._applier.apply(run.elements, intake.gone)
            except AbandonedError:
                return
            finally:
                keeping.cancel()
            if intake.gone.is_set():
                return
            self._failpoints.reach("consumer.before_ack")
            await self._settle(channel, run)
            self._failpoints.reach("consumer.after_ack")
            self._in_hand = ()
            backoff.reset()
            self.settled_at = time.monotonic()
            gauges.SETTLED.labels(self._subscription.consumer).set_to_current_time()

    async def _settle(self, channel: AbstractChannel, run: _Run) -> None:
        """Dead-letter what could not be decoded, then ack the rest up to the last tag that is still ours.

        In this order: a cumulative ack would take the undecodable ones along, and one that names a settled tag closes the channel.
        """
        async with asyncio.timeout(self._limits.settle_timeout_s):
            underlay = await channel.get_underlay_channel()
            for tag in run.undecodable:
                await underlay.basic_reject(tag, requeue=False)
            if run.decodable_tag is not None:
                await underlay.basic_ack(run.decodable_tag, multiple=True)
