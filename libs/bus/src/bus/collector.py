"""The collector: what all queues of a service have delivered becomes one transaction, then it is settled.

One connection and one channel for all of them: a cumulative ack counts per channel, and only the contiguous run of its delivery tags is
taken, so nothing is acked that was not applied. A transaction costs about the same for one event as for twenty, whatever their types
(docs/decisions/0012); so where nobody waits for what comes of it, what comes one after the other gathers for a while. Stopping closes
the channel first and never cancels a consumer: with a single active consumer a cancel lets the successor overtake what we hold
(architecture: everything is a batch).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import ChannelNotFoundEntity
from contracts.bundles import BUNDLES, Bundle, read_bundles
from contracts.reading import UndecodableError
from kernel.backoff import Backoff
from kernel.failpoints import NO_FAILPOINTS, Failpoints
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
    missing_again_s: float = 2.0
    settle_timeout_s: float = 10.0
    keep_at_most_s: float = 20 * 60
    gather_s: float = 0.0
    """A transaction begins at the earliest so long after the one before, unless the broker holds back more than it delivered."""

    def preferred(self) -> list[int]:
        """Return the partitions that this replica subscribes at once; the others follow later, in case nobody else is there."""
        return [each for each in range(self.partitions) if each % self.replicas == self.replica % self.replicas]


class _Queue(NamedTuple):
    """One partition of a subscription."""

    subscription: Subscription
    partition: int

    @property
    def name(self) -> str:
        return self.subscription.names.queue(self.partition)


class _Delivery(NamedTuple):
    """One message, as it was delivered."""

    queue: _Queue
    body: bytes
    bundles: Any


@dataclass(slots=True)
class _Run:
    """A contiguous run of deliveries. `decodable_tag` is the last of those that could be cut into events."""

    decodable_tag: int | None = None
    heard: dict[Subscription, list[Bundle]] = field(default_factory=dict)
    undecodable: list[int] = field(default_factory=list)
    events: int = 0


class _Intake:
    """What a channel has delivered and we have not taken yet. Its tags are worth nothing on any other channel."""

    def __init__(self, prefetch: int) -> None:
        self._prefetch = prefetch
        self._arrived: dict[int, _Delivery] = {}
        self._waiting: Counter[_Queue] = Counter()
        self._next_tag = 1
        self.woken = asyncio.Event()
        self.full = asyncio.Event()
        """More is there than one transaction takes, or a queue has delivered as much as it may: waiting would gather nothing."""
        self.gone = asyncio.Event()

    async def deliver(self, queue: _Queue, message: AbstractIncomingMessage) -> None:
        """Append; this is all that happens per delivery."""
        assert message.delivery_tag is not None
        self._arrived[message.delivery_tag] = _Delivery(queue, message.body, message.headers.get(BUNDLES))
        self._waiting[queue] += 1
        if self._waiting[queue] >= self._prefetch:
            self.full.set()
        self.woken.set()

    def close(self) -> None:
        """The channel is gone, and so is everything it delivered."""
        self.gone.set()
        self.woken.set()
        self.full.set()

    def oldest(self) -> Iterator[_Delivery]:
        """Yield the first delivery of each queue that has any."""
        seen: set[_Queue] = set()
        for delivery in list(self._arrived.values()):
            if delivery.queue not in seen:
                seen.add(delivery.queue)
                yield delivery

    def take(self, limits: Limits) -> _Run | None:
        """Take the contiguous run that has arrived, up to the limits and at least one message."""
        run: _Run | None = None
        size = 0
        while (delivery := self._arrived.get(self._next_tag)) is not None:
            if run and (run.events >= limits.events or size + len(delivery.body) > limits.bytes):
                break
            del self._arrived[self._next_tag]
            self._waiting[delivery.queue] -= 1
            run = run or _Run()
            try:
                subscription = delivery.queue.subscription
                bundles = read_bundles(subscription.reader, delivery.body, delivery.bundles)
                run.heard.setdefault(subscription, []).extend(bundles)
                run.events += sum(len(bundle.events) for bundle in bundles)
                run.decodable_tag = self._next_tag
            except UndecodableError:
                run.undecodable.append(self._next_tag)
            self._next_tag += 1
            size += len(delivery.body)
        if self._arrived:
            self.full.set()
        elif not self.gone.is_set():
            self.full.clear()
        return run


class Collector:
    """A kernel Role: consumes all subscriptions of a service until told to stop."""

    name = "collect"

    def __init__(
        self,
        url: str,
        subscriptions: Sequence[Subscription],
        applier: Applier,
        limits: Limits,
        *,
        dependency_answers: Callable[[], Awaitable[bool]],
        failpoints: Failpoints = NO_FAILPOINTS,
    ) -> None:
        """`dependency_answers` tells whether a batch could be applied now; nothing is subscribed while it says no."""
        self._url = url
        self._subscriptions = subscriptions
        self._applier = applier
        self._limits = limits
        self._dependency_answers = dependency_answers
        self._failpoints = failpoints
        self._subscribed: set[_Queue] = set()
        self._whole_since: float | None = None
        self._intake = _Intake(limits.prefetch)
        self._in_hand: Mapping[Subscription, Sequence[Bundle]] = {}

    def waits_for(self) -> list[str]:
        """Return the consumers whose preferred queues are not all there: connected is not the same as consuming."""
        missing = set(self._queues(self._limits.preferred())) - self._subscribed
        return sorted({queue.subscription.consumer for queue in missing})

    def lags_s(self, now: datetime) -> Mapping[str, float] | None:
        """Return per consumer the age in seconds of the oldest event that was delivered and is not applied, 0 when there is none.

        None until what waits at the broker has had time to reach us: not to hear is not the same as nothing to hear. What the
        broker still holds is younger, since each queue keeps its order.
        """
        if self._whole_since is None or time.monotonic() - self._whole_since < SETTLED_IN_S:
            return None
        lags = {
            each.consumer: age_of_oldest_s([e for bundle in self._in_hand.get(each, ()) for e in bundle.events], now)
            for each in self._subscriptions
        }
        for (subscription, _), body, header in self._intake.oldest():
            try:
                waiting = read_bundles(subscription.reader, body, header)
            except UndecodableError:
                continue
            lags[subscription.consumer] = max(
                lags[subscription.consumer], age_of_oldest_s(waiting[0].events[:1] if waiting else [], now)
            )
        return lags

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume; after every loss of the connection start over, until told to stop."""
        backoff = Backoff(0.1, 5.0)
        while not stopping.is_set():
            try:
                if await self._dependency_answers():
                    await self._consume(stopping, backoff)
            except BROKER_ERRORS as error:
                log.warning("consuming interrupted", error_type=type(error).__name__)
            self._subscribed.clear()
            try:
                async with asyncio.timeout(backoff.next_s()):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def _consume(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        intake = self._intake = _Intake(self._limits.prefetch)
        async with connected(self._url, f"{self._subscriptions[0].names.service} collect") as connection:
            channel = await open_consuming_channel(connection, self._limits.prefetch, intake.close)
            guards = [
                asyncio.create_task(self._subscribe(connection, channel, intake)),
                asyncio.create_task(self._close_first(channel, stopping, intake)),
            ]
            try:
                await self._work(channel, intake, backoff)
                for guard in guards:
                    if guard.done():
                        guard.result()
            finally:
                self._whole_since, self._in_hand = None, {}
                for guard in guards:
                    guard.cancel()
                await asyncio.gather(*guards, return_exceptions=True)

    def _queues(self, partitions: Sequence[int]) -> list[_Queue]:
        return [_Queue(subscription, partition) for partition in partitions for subscription in self._subscriptions]

    async def _subscribe(self, connection: AbstractConnection, channel: AbstractChannel, intake: _Intake) -> None:
        """Subscribe our preferred partitions at once and the others later. Queues are looked for, never made."""
        try:
            preferred = self._limits.preferred()
            await self._subscribe_all(connection, channel, intake, self._queues(preferred), priority=1)
            self._whole_since = time.monotonic()
            others = [each for each in range(self._limits.partitions) if each not in preferred]
            if others:
                await asyncio.sleep(self._limits.others_after_s)
                await self._subscribe_all(connection, channel, intake, self._queues(others), priority=0)
        except BROKER_ERRORS:
            intake.close()
            raise

    async def _subscribe_all(
        self,
        connection: AbstractConnection,
        channel: AbstractChannel,
        intake: _Intake,
        queues: Sequence[_Queue],
        priority: int,
    ) -> None:
        """Subscribe what exists; look again for what is missing, so that one queue never holds up the others."""
        while queues:
            missing = await _missing(connection, queues)
            for queue in queues:
                if queue not in missing:
                    async with asyncio.timeout(SETUP_TIMEOUT_S):
                        await (await channel.get_queue(queue.name, ensure=False)).consume(
                            partial(intake.deliver, queue), arguments={"x-priority": priority}
                        )
                    self._subscribed.add(queue)
            queues = missing
            if missing:
                log.warning("queues are missing", queues=[queue.name for queue in missing][:10], count=len(missing))
                await asyncio.sleep(self._limits.missing_again_s)

    async def _close_first(self, channel: AbstractChannel, stopping: asyncio.Event, intake: _Intake) -> None:
        await stopping.wait()
        intake.close()
        async with asyncio.timeout(self._limits.settle_timeout_s):
            await channel.close()

    async def _work(self, channel: AbstractChannel, intake: _Intake, backoff: Backoff) -> None:
        clock = asyncio.get_running_loop().time
        while not intake.gone.is_set():
            began = clock()
            run = intake.take(self._limits)
            if run is None:
                intake.woken.clear()
                if not intake.gone.is_set():
                    await intake.woken.wait()
                continue
            self._failpoints.reach("consumer.before_transaction")
            self._in_hand = heard = {each: run.heard[each] for each in self._subscriptions if each in run.heard}
            keeping = asyncio.get_running_loop().call_later(self._limits.keep_at_most_s, intake.close)
            try:
                if run.events:
                    await self._applier.apply(heard, intake.gone)
            except AbandonedError:
                return
            finally:
                keeping.cancel()
            if intake.gone.is_set():
                return
            self._failpoints.reach("consumer.before_ack")
            await self._settle(channel, run)
            self._failpoints.reach("consumer.after_ack")
            self._in_hand = {}
            backoff.reset()
            for subscription in heard:
                gauges.SETTLED.labels(subscription.consumer).set_to_current_time()
            await self._gather(intake, began + self._limits.gather_s)

    async def _gather(self, intake: _Intake, until: float) -> None:
        """Let what comes now come together, until that time of the loop's clock."""
        if self._limits.gather_s:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await intake.full.wait()

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


async def _missing(connection: AbstractConnection, queues: Sequence[_Queue]) -> list[_Queue]:
    """Return those that do not exist. Looking for one closes the channel, so it is never done on that which consumes."""
    missing: list[_Queue] = []
    looking = await connection.channel(publisher_confirms=False)
    for queue in queues:
        async with asyncio.timeout(SETUP_TIMEOUT_S):
            try:
                await looking.get_queue(queue.name, ensure=True)
            except ChannelNotFoundEntity:
                missing.append(queue)
                looking = await connection.channel(publisher_confirms=False)
    async with asyncio.timeout(SETUP_TIMEOUT_S):
        await looking.close()
    return missing
