"""Listening to everything that is said on the bus, as any subscriber may: a temporary queue that ends with the demo."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

EXCHANGE = "ventros.events"


@dataclass(frozen=True)
class HeardEvent:
    """One event, when it was said and when we heard it (Unix seconds)."""

    id: str
    type: str
    correlation_id: str
    provider_message_id: str | None
    said_at: float
    heard_at: float


class Heard:
    """What was heard so far."""

    def __init__(self) -> None:
        self.events: list[HeardEvent] = []

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Note the events of one message."""
        heard_at = time.time()
        for event in json.loads(message.body):
            self.events.append(
                HeardEvent(
                    event["id"],
                    event["type"],
                    event["correlationid"],
                    event["data"].get("provider_message_id"),
                    datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp(),
                    heard_at,
                )
            )

    def about(self, event_type: str, message_id: str) -> list[HeardEvent]:
        """Return the events of a type that speak of one WhatsApp message."""
        return [each for each in self.events if each.type == event_type and each.provider_message_id == message_id]

    def caused_by(self, correlation_id: str, event_type: str) -> list[HeardEvent]:
        """Return the events of a type that follow from one delivery."""
        return [each for each in self.events if each.type == event_type and each.correlation_id == correlation_id]

    def stored(self, message_id: str) -> bool:
        """Tell whether a message, either way, was stored."""
        return bool(self.about("message.received.v1", message_id) or self.about("message.sent.v1", message_id))


@asynccontextmanager
async def hearing(rabbitmq_url: str) -> AsyncIterator[Heard]:
    """Listen to all events for as long as the block runs."""
    heard = Heard()
    connection = await aio_pika.connect(rabbitmq_url, timeout=10)
    try:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        await queue.bind(await channel.get_exchange(EXCHANGE, ensure=False), "#")
        await queue.consume(heard.take, no_ack=True)
        yield heard
    finally:
        await connection.close()
