"""Hear message.received.v1 as any subscriber would, and measure: `python sink.py AMQP_URL [--exchange NAME]`.

Prints `listening`, then one JSON line when it is told to stop (SIGTERM): how many, how fast, and how long after the webhook arrived.
"""

import argparse
import asyncio
import json
import signal
import time
from collections.abc import Sequence
from typing import ClassVar

import uvloop
from bus.transient import TransientSubscriptions
from contracts.envelope import AnyEvent
from contracts.fields import Moment, Wire
from contracts.message.received_v1 import MessageReceivedV1
from contracts.topology import load_topology


class Heard(Wire, kw_only=True):
    """All that is looked at of a message: a subscriber reads what it needs, and this one shares the machine with what it measures."""

    TYPE: ClassVar[str] = MessageReceivedV1.TYPE

    message_id: str
    received_at: Moment


class Sink:
    """Counts events and keeps their latencies in seconds."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.ids: set[str] = set()
        self.first = self.last = 0.0

    async def hear(self, events: Sequence[AnyEvent]) -> None:
        """Count a batch."""
        now = time.time()
        self.first = self.first or now
        self.last = now
        self.latencies += [now - event.data.received_at.timestamp() for event in events]
        self.ids.update(event.data.message_id for event in events)

    def report(self) -> dict[str, object]:
        """Return the figures."""
        ordered = sorted(self.latencies) or [0.0]
        took = max(self.last - self.first, 0.001)
        return {
            "heard": len(self.latencies),
            "distinct": len(self.ids),
            "per_s": len(self.latencies) / took,
            "p50_ms": ordered[len(ordered) // 2] * 1000,
            "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
        }


async def main(url: str) -> None:
    """Listen until SIGTERM."""
    sink, stopping = Sink(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    hearing = TransientSubscriptions(url, "bench", load_topology(), {Heard: sink.hear})
    running = asyncio.create_task(hearing.run(stopping))
    await hearing.listening.wait()
    print("listening", flush=True)
    await running
    print(json.dumps(sink.report()), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    uvloop.run(main(parser.parse_args().url))
