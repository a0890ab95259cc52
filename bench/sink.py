"""Hear message.received.v1 as any subscriber would: `python sink.py AMQP_URL RUN FILE`.

Prints `listening`, then one JSON line when it is told to stop (SIGTERM). Into FILE it puts which arrivals of the run it heard (`I`, all of
them) and when (`d`, seconds of the machine's monotonic clock); whoever knows when they were due knows the latencies.
"""

import asyncio
import json
import resource
import signal
import sys
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import uvloop
from bus.transient import TransientSubscriptions
from contracts.envelope import AnyEvent
from contracts.fields import Wire
from contracts.message.received_v1 import MessageReceivedV1
from contracts.topology import load_topology
from mix import number_of


class Heard(Wire, kw_only=True):
    """All that is looked at of a message: a subscriber reads what it needs, and this one shares the machine with what it measures."""

    TYPE: ClassVar[str] = MessageReceivedV1.TYPE

    provider_message_id: str


class Sink:
    """Keeps numbers and times."""

    def __init__(self, run: str) -> None:
        self._run = run
        self.numbers, self.times = array("I"), array("d")

    async def hear(self, events: Sequence[AnyEvent]) -> None:
        """Note a batch: all of it is heard at one moment."""
        now = time.monotonic()
        told = [number_of(self._run, event.data.provider_message_id) for event in events]
        numbers = [number for number in told if number is not None]
        self.numbers.extend(numbers)
        self.times.extend([now] * len(numbers))


def heard_in(file: Path) -> "tuple[array[int], array[float]]":
    """Read what a sink left: numbers, and beside each when it was heard."""
    numbers, times = array("I"), array("d")
    raw = file.read_bytes()
    count = len(raw) // (numbers.itemsize + times.itemsize)
    numbers.frombytes(raw[: count * numbers.itemsize])
    times.frombytes(raw[count * numbers.itemsize :])
    return numbers, times


async def listen(url: str, run: str) -> tuple[Sink, float]:
    """Listen until SIGTERM; return what was heard, and the CPU seconds that it took."""
    sink, stopping = Sink(run), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    hearing = TransientSubscriptions(url, "bench", load_topology(), {Heard: sink.hear})
    running = asyncio.create_task(hearing.run(stopping))
    await hearing.listening.wait()
    before = resource.getrusage(resource.RUSAGE_SELF)
    print("listening", flush=True)
    await running
    after = resource.getrusage(resource.RUSAGE_SELF)
    return sink, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(url: str, run: str, file: Path) -> None:
    """Listen, and leave what was heard."""
    sink, cpu_s = uvloop.run(listen(url, run))
    file.write_bytes(sink.numbers.tobytes() + sink.times.tobytes())
    print(json.dumps({"heard": len(sink.numbers), "cpu_s": cpu_s}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
