"""Listening to everything that is said on the bus, as any subscriber may: a temporary queue that ends with the demo."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPConnectionError

EXCHANGE = "ventros.events"


@dataclass(frozen=True)
class HeardEvent:
    """One event, when it was said and when we heard it (Unix seconds)."""

    id: str
    type: str
    correlation_id: str
    data: dict[str, Any]
    said_at: float
    heard_at: float


class Heard:
    """What was heard so far; an event that was said twice under one id was said once."""

    def __init__(self) -> None:
        self._events: dict[str, list[HeardEvent]] = {}
        self._ids: set[str] = set()
        self._news = asyncio.Event()
        self._lost = False

    def lose(self, *_: object) -> None:
        """Note that the broker went away: nothing will be heard any more."""
        self._lost = True
        self._news.set()

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Note the events of one message."""
        heard_at = time.time()
        for event in json.loads(message.body):
            if event["id"] not in self._ids:
                self._ids.add(event["id"])
                said_at, chain = seconds_of(event["time"]), event["correlationid"]
                one = HeardEvent(event["id"], event["type"], chain, event["data"], said_at, heard_at)
                self._events.setdefault(one.type, []).append(one)
        self._news.set()

    def of(self, event_type: str, fits: Callable[[HeardEvent], bool] = lambda _: True) -> list[HeardEvent]:
        """Return the events of a type that fit, in the order in which they were heard."""
        return [each for each in self._events.get(event_type, []) if fits(each)]

    async def until(self, holds: Callable[[], bool], within_s: float) -> bool:
        """Wait until something holds, looking whenever something is heard; False when it does not in time.

        Raises AMQPConnectionError once the broker is gone.
        """
        deadline = time.monotonic() + within_s
        while not holds():
            if self._lost:
                raise AMQPConnectionError
            if time.monotonic() > deadline:
                return False
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), 0.5)
            except TimeoutError:
                continue
        return True


def seconds_of(time_text: str) -> float:
    """Return the Unix time of a time as events write it."""
    return datetime.fromisoformat(time_text.replace("Z", "+00:00")).timestamp()


@asynccontextmanager
async def hearing(rabbitmq_url: str) -> AsyncIterator[Heard]:
    """Listen to all events for as long as the block runs."""
    heard = Heard()
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # it would print a traceback where a sentence says all
    connection = await aio_pika.connect(rabbitmq_url, timeout=10)
    connection.close_callbacks.add(heard.lose)
    try:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        await queue.bind(await channel.get_exchange(EXCHANGE, ensure=False), "#")
        await queue.consume(heard.take, no_ack=True)
        yield heard
    finally:
        await connection.close()
