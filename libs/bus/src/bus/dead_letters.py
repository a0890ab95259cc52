"""Draining the dead-letter queues: what killed a consumer or could not be decoded ends in the parked table, event by event.

A dead letter is a whole message of up to 200 events, innocents included: what the inbox knows is skipped, the others wait for people.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from contracts.bundles import BUNDLES, parts_of
from contracts.reading import UndecodableError, Unreadable, elements_of, id_of_bytes
from kernel.backoff import Backoff
from telemetry.logs import get_logger

from bus import gauges
from bus.applying import Inbox
from bus.connection import SETUP_TIMEOUT_S, connected, open_consuming_channel
from bus.subscription import Subscription

log = get_logger(__name__)


class DeadLetterDrain:
    """A kernel Role: drains the dead-letter queues of all subscriptions of a service."""

    name = "drain dead letters"

    def __init__(
        self,
        url: str,
        subscriptions: Sequence[Subscription],
        inbox: Inbox,
        *,
        parked: Callable[[str, Unreadable, int, str | None], Any],
    ) -> None:
        """`parked(consumer, unreadable, attempts, bundle_id)` makes what the inbox parks."""
        self._url = url
        self._subscriptions = subscriptions
        self._inbox = inbox
        self._parked = parked

    async def run(self, stopping: asyncio.Event) -> None:
        """Drain until told to stop; a letter that cannot be parked now is kept and tried again."""
        backoff = Backoff(0.5, 5.0)
        while not stopping.is_set():
            try:
                await self._drain(stopping, backoff)
            except Exception as error:  # the letter stays in its queue
                log.warning("draining interrupted", error_type=type(error).__name__)
            try:
                async with asyncio.timeout(backoff.next_s()):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def _drain(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        letters: asyncio.Queue[tuple[Subscription, AbstractIncomingMessage] | None] = asyncio.Queue()
        service = self._subscriptions[0].names.service
        async with connected(self._url, f"{service} dead letters") as connection:
            channel = await open_consuming_channel(connection, 1, lambda: letters.put_nowait(None))
            stop = asyncio.create_task(stopping.wait())
            stop.add_done_callback(lambda _: letters.put_nowait(None))
            try:
                async with asyncio.timeout(SETUP_TIMEOUT_S):
                    for subscription in self._subscriptions:
                        queue = await channel.get_queue(subscription.names.dead_letters, ensure=True)
                        await queue.consume(_into(letters, subscription))
                while (letter := await letters.get()) is not None:
                    subscription, message = letter
                    await self._park(subscription, message)
                    async with asyncio.timeout(SETUP_TIMEOUT_S):
                        await message.ack()
                    backoff.reset()
            finally:
                stop.cancel()

    async def _park(self, subscription: Subscription, message: AbstractIncomingMessage) -> None:
        attempts = _deliveries_of(message)
        items = [
            self._parked(subscription.consumer, letter, attempts, bundle_id)
            for letter, bundle_id in letters_of(subscription, message.body, message.headers.get(BUNDLES))
        ]
        await self._inbox.park(subscription.consumer, items)
        gauges.DEAD_LETTERS.labels(subscription.consumer).inc()
        log.error("dead letter parked", consumer=subscription.consumer, events=len(items), attempts=attempts)


def letters_of(subscription: Subscription, body: bytes, header: Any) -> list[tuple[Unreadable, str | None]]:
    """Cut a dead letter into what is parked: each event alone, or the bytes where nothing could be decoded.

    With an event that could be read goes the bundle by which the inbox may have met it. One that cannot be read was never met that way.
    """
    try:
        elements = [(part.id, each) for part in parts_of(body, header) for each in elements_of(part.body)]
    except UndecodableError as error:
        return [(Unreadable(body, "undecodable", str(error), event_id=id_of_bytes(body)), None)]
    letters: list[tuple[Unreadable, str | None]] = []
    for bundle_id, element in elements:
        event = subscription.reader.read(element)
        if isinstance(event, Unreadable):
            letters.append((replace(event, body=bytes(element)), None))
            continue
        letter = Unreadable(
            bytes(element),
            "dead_lettered",
            "delivered too often without an outcome",
            event_id=event.id,
            tenant_id=event.tenantid,
            project_id=event.projectid,
            event_type=event.type,
            subject=event.subject,
            traceparent=event.traceparent,
        )
        letters.append((letter, bundle_id))
    return letters


def _into(letters: "asyncio.Queue[Any]", subscription: Subscription) -> Callable[[AbstractIncomingMessage], Any]:
    async def deliver(message: AbstractIncomingMessage) -> None:
        letters.put_nowait((subscription, message))

    return deliver


def _deliveries_of(message: AbstractIncomingMessage) -> int:
    count = message.headers.get("x-delivery-count", 0)
    return int(count) + 1 if isinstance(count, int) else 1
