"""Post signed webhooks as fast as the door answers: `python load.py URL KEY [--seconds 15] [--connections 64]`.

One process, one JSON line at the end: sent, answers by status, requests per second. The bodies are those of the floor's generator
(20,000 phones, a WEBJS text), plus the signature that the product demands. Loopback only, bounded in time.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import math
import random
import time
from typing import cast
from urllib.parse import urlsplit

import uvloop

PHONES = 20_000
MOST_S = 300.0
MOST_PER_S = 5_000
"""More than two cores can take."""


class Poster(asyncio.Protocol):
    """One kept-alive connection with one request in flight."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are of their own kind
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count a whole answer, and send the next request."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        # Granian writes header names in lower case. All of it is counted in the machine's two cores: no more is read than this.
        at = self._buffer.find(b"content-length: ", 0, end) + 16
        whole = end + 4 + int(self._buffer[at : self._buffer.find(b"\r", at)])
        if len(self._buffer) < whole:
            return
        status = int(self._buffer[9:12])
        self._load.answers[status] = self._load.answers.get(status, 0) + 1
        self._buffer = self._buffer[whole:]
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """A connection that breaks is counted as 0."""
        if self._load.running():
            self._load.answers[0] = self._load.answers.get(0, 0) + 1
        self._load.ended()

    def _send(self) -> None:
        if not self._load.running():
            self._transport.close()
            return
        self._transport.write(self._load.request())


class Load:
    """What is sent, and what came back."""

    def __init__(self, url: str, key: str, seconds: float | None, connections: int, seed: int) -> None:
        """`seconds` None: each phone writes once, and that is all."""
        parts = urlsplit(url)
        if parts.hostname not in ("127.0.0.1", "localhost"):
            raise SystemExit("loopback only")
        self.host, self.port = parts.hostname, parts.port or 80
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n".encode()
        )
        self._key = key.encode()
        self._random = random.Random(seed)
        self._run = f"{seed:x}{int(time.time()):x}".upper()
        self._open = connections
        self.done = asyncio.Event()
        self.sent = 0
        self._in_turn = seconds is None
        most = PHONES if seconds is None else int(seconds * MOST_PER_S) + connections
        # Written and signed before the clock starts: the generator shares the machine with what it measures.
        self._requests = [self._request(number) for number in range(most)]
        self._until = time.monotonic() + (math.inf if seconds is None else seconds)
        self.answers: dict[int, int] = {}

    def running(self) -> bool:
        """Tell whether there is time left."""
        return time.monotonic() < self._until and self.sent < len(self._requests)

    def ended(self) -> None:
        """A connection is closed."""
        self._open -= 1
        if self._open == 0:
            self.done.set()

    def request(self) -> bytes:
        """Return the next signed request."""
        self.sent += 1
        return self._requests[self.sent - 1]

    def _request(self, number: int) -> bytes:
        phone = f"55119{number + 1 if self._in_turn else self._random.randrange(1, PHONES + 1):08}"
        now = int(time.time())
        body = (
            f'{{"id":"evt_{self._run}_{number}","timestamp":{now}000,"event":"message.any","session":"default","engine":"WEBJS",'
            f'"payload":{{"id":"false_{phone}@c.us_{self._run}{number}","timestamp":{now},"from":"{phone}@c.us",'
            f'"to":"5511888888888@c.us","fromMe":false,"body":"Hello, I would like to know the price of product {number} please",'
            f'"hasMedia":false,"ack":1,"vCards":[]}},"environment":{{"tier":"PLUS","version":"2025.9.1","engine":"WEBJS"}}}}'
        ).encode()
        signature = hmac.new(self._key, body, hashlib.sha512).hexdigest()
        return self._head + f"X-Webhook-Hmac: {signature}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def run(url: str, key: str, seconds: float | None, connections: int, seed: int) -> dict[str, object]:
    """Post for that many seconds, or until each phone has written; return what happened."""
    load = Load(url, key, seconds, connections, seed)
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    for _ in range(connections):
        await loop.create_connection(lambda: Poster(load), load.host, load.port)
    async with asyncio.timeout(MOST_S if seconds is None else seconds + 30):
        await load.done.wait()
    took = time.monotonic() - started
    accepted = load.answers.get(200, 0)
    return {"sent": load.sent, "answers": load.answers, "accepted": accepted, "accepted_per_s": accepted / took}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--seconds", type=float, help="each phone writes once when this is not given")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    print(json.dumps(uvloop.run(run(wanted.url, wanted.key, wanted.seconds, wanted.connections, wanted.seed))))
