"""Post signed webhooks at a fixed rate, open loop: `python load.py < plan.json`; prints one JSON line.

Arrival number i is due at t0 + i / rate, whatever became of those before it. Each connection has one request in flight; an arrival that
finds none free waits here, and its time counts from when it was due, so a stall is seen by all who would have written meanwhile.
Without a rate everything is due at once. Loopback only, bounded in time.

The generator shares the machine with what it measures: requests are written and signed before the clock starts (as long as they fit
into memory), one timer a millisecond releases all that are due, and an answer costs two slices and a comparison.
"""

import asyncio
import json
import resource
import sys
import time
from array import array
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import cast

import uvloop
from mix import PHONES, Door, Mix, signature
from verdict import percentiles

TICK_S = 0.001
MOST_MADE_BEFORE = 400_000
"""Requests of about 2 KB each; of a longer run each is made when it is due."""
DATED_EVERY_S = 30.0
ANSWERED_WITHIN_S = 15.0
"""After the last one was due."""
SLOWEST_PER_S = 100.0
"""What is to be posted as fast as it goes is given time enough for this."""
MOST_S = 3600.0


@dataclass(frozen=True)
class Plan:
    """What is to be posted. `run` names its messages, `met` those with which the customers wrote first (eight hexadecimal digits each)."""

    port: int
    doors: list[Door]
    files: str
    run: str
    met: str
    connections: int
    seed: int = 1
    rate: float | None = None
    """Webhooks a second; None: everything is due at once."""
    seconds: float | None = None
    """None: each customer writes once."""

    @property
    def count(self) -> int:
        """How many arrivals there are."""
        return PHONES if self.seconds is None or self.rate is None else max(1, int(self.seconds * self.rate))

    def as_json(self) -> str:
        """Return what a generator is given on its standard input."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Plan":
        """Return the plan that this is."""
        told = json.loads(text)
        return cls(**{**told, "doors": [Door(**door) for door in told["doors"]]})


@dataclass
class Posted:
    """What happened. Times are seconds of the machine's monotonic clock."""

    t0: float
    rate: float | None
    count: int
    answers: dict[str, int]
    """By status; `none` is what was not answered in time, `broken` a connection that broke."""
    answer: dict[str, float | None]
    """Milliseconds from when an arrival was due to its answer."""
    waiting: list[int]
    """Arrivals that waited here for a free connection, the most in each second."""
    late_ms: float
    """The longest time that the generator itself did not come to the machine."""
    cpu_s: float
    bytes_each: float
    silent: list[int] = field(default_factory=list)
    """Arrivals that do not become `message.received`."""


class Connection(asyncio.Protocol):
    """One kept-alive connection with one request in flight."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self._number = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first arrival."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are of their own kind
        self._load.free.append(self)

    def send(self, number: int, request: bytes) -> None:
        """Post one."""
        self._number = number
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take a whole answer, and let the next arrival have this connection."""
        if self._buffer:
            data = self._buffer + data
        end = data.find(b"\r\n\r\n")
        # Our server writes header names in lower case. All of it is counted in the machine's two cores: no more is read than this.
        at = data.find(b"content-length: ", 0, end) + 16
        if end < 0 or len(data) < end + 4 + int(data[at : data.find(b"\r", at)]):
            self._buffer = data
            return
        self._buffer = b""
        self._load.answered(self._number, data[9:12])
        self._number = -1
        self._load.next_for(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Count what was in flight as broken, and connect again."""
        if self in self._load.free:
            self._load.free.remove(self)
        if self._number >= 0:
            self._load.answered(self._number, b"broken")
        self._load.reconnect()


class Load:
    """The arrivals, the connections, and what came back."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._count = plan.count
        self._mix = Mix(plan.doors, plan.files, plan.run, plan.met, plan.seed, datetime.now(UTC))
        self._keys = [door.key.encode() for door in plan.doors]
        self._heads = [
            f"POST {door.path} HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\nContent-Type: application/json\r\n"
            "X-Webhook-Hmac-Algorithm: sha512\r\n".encode()
            for door in plan.doors
        ]
        self._bytes = 0
        self._silent: list[int] = []
        self._made: list[bytes] = []
        if self._count <= MOST_MADE_BEFORE:
            self._made = [self._make(number) for number in range(self._count)]
        self.free: list[Connection] = []
        self._released = self._sent = self._done = 0
        self._took = array("d")
        self._answers: Counter[bytes] = Counter()
        self._waiting: list[int] = [0]
        self._late = 0.0
        self._dated = 0.0
        self._over = asyncio.Event()
        self._reconnecting: set[asyncio.Task[object]] = set()

    async def run(self) -> Posted:
        """Post everything; return what happened."""
        plan, loop = self._plan, asyncio.get_running_loop()
        for _ in range(plan.connections):
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", plan.port)
        before = resource.getrusage(resource.RUSAGE_SELF)
        self._t0 = self._ticked = self._dated = time.monotonic()
        self._tick()
        try:
            async with asyncio.timeout(min(self._count / (plan.rate or SLOWEST_PER_S), MOST_S) + ANSWERED_WITHIN_S):
                await self._over.wait()
        except TimeoutError:
            self._over.set()
        after = resource.getrusage(resource.RUSAGE_SELF)
        answers = {status.decode(): count for status, count in self._answers.items()}
        missing = self._count - self._done
        return Posted(
            t0=self._t0,
            rate=plan.rate,
            count=self._count,
            answers=answers | ({"none": missing} if missing else {}),
            answer=percentiles(self._took, missing),
            waiting=self._waiting,
            late_ms=round(1000 * self._late, 1),
            cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            bytes_each=round(self._bytes / max(self._sent, len(self._made)), 1),
            silent=self._silent,
        )

    def answered(self, number: int, status: bytes) -> None:
        """Note an answer."""
        rate = self._plan.rate
        self._took.append(time.monotonic() - self._t0 - (number / rate if rate else 0.0))
        self._answers[status] += 1
        self._done += 1
        if self._done == self._count:
            self._over.set()

    def next_for(self, connection: Connection) -> None:
        """Give a connection that became free whatever has waited longest, if anything does."""
        if self._sent < self._released:
            self._sent += 1
            connection.send(self._sent - 1, self._request(self._sent - 1))
        else:
            self.free.append(connection)

    def reconnect(self) -> None:
        """Replace a connection that broke."""
        if self._over.is_set():
            return
        task = asyncio.ensure_future(self._connect())
        self._reconnecting.add(task)
        task.add_done_callback(self._reconnecting.discard)

    async def _connect(self) -> None:
        while not self._over.is_set():
            try:
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._plan.port)
                return
            except OSError:
                await asyncio.sleep(0.1)

    def _tick(self) -> None:
        if self._over.is_set():
            return
        now, rate = time.monotonic(), self._plan.rate
        self._late = max(self._late, now - self._ticked - TICK_S)
        self._ticked = now
        due = self._count if rate is None else min(self._count, int((now - self._t0) * rate) + 1)
        self._released = due
        while self.free and self._sent < due:
            self._sent += 1
            self.free.pop().send(self._sent - 1, self._request(self._sent - 1))
        if len(self._waiting) < now - self._t0:
            self._waiting.append(0)
        if due - self._sent > self._waiting[-1]:
            self._waiting[-1] = due - self._sent
        asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _request(self, number: int) -> bytes:
        if self._made:
            return self._made[number]
        if time.monotonic() - self._dated > DATED_EVERY_S:
            self._dated = time.monotonic()
            self._mix.date(datetime.now(UTC))
        return self._make(number)

    def _make(self, number: int) -> bytes:
        webhook = self._mix.first(number) if self._plan.seconds is None else self._mix.webhook(number)
        if not webhook.is_message:
            self._silent.append(number)
        body, tenant = webhook.body, webhook.tenant
        self._bytes += len(body)
        tail = f"X-Webhook-Hmac: {signature(self._keys[tenant], body)}\r\nContent-Length: {len(body)}\r\n\r\n"
        return self._heads[tenant] + tail.encode() + body


def main() -> None:
    """Read the plan, post, and tell."""
    plan = Plan.read(sys.stdin.read())

    async def posted() -> Posted:
        return await Load(plan).run()

    print(json.dumps(asdict(uvloop.run(posted()))))


if __name__ == "__main__":
    main()
