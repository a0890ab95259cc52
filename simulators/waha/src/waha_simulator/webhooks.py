"""Delivery of webhooks as WAHA does it: one POST per event and webhook, in parallel, never awaited, retried on
everything but 2xx.

Nothing survives a restart, as in WAHA. Ordered mode is ours: one post in flight per chat, the next waits for the last
one's end.
"""

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from waha_simulator.draws import fraction, token
from waha_simulator.ledger import Ledger
from waha_simulator.signing import webhook_headers

DEFAULT_RETRIES = {"policy": "constant", "delaySeconds": 2, "attempts": 15}
# WAHA itself never times out; a proxy between would (nginx after 60 s), and the event would come again.
ANSWER_SECONDS = 60.0

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass
class Delivery:
    """One event on its way to one webhook. `lane` orders posts of one chat; `faults` names what is being done to it."""

    number: int
    webhook: dict[str, Any]
    session: str
    event: str
    body: bytes
    timestamp_ms: int
    envelope_id: str
    message_id: str | None = None
    chat: str | None = None
    chat_seq: int | None = None
    level: int | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def lane(self) -> tuple[str, str]:
        return self.session, self.chat or ""

    @property
    def request_id(self) -> str:
        return token(14, "request", self.envelope_id, self.number)


def retry_delay(retries: dict[str, Any], retry: int, key: object = "") -> float:
    """Seconds before the n-th retry (from 1). Exponential: 2^n times the delay, and 0-20 % more."""
    delay = float(_setting(retries, "delaySeconds"))
    match _setting(retries, "policy"):
        case "linear":
            return retry * delay
        case "exponential":
            return float(2**retry) * delay * (1 + 0.2 * fraction("jitter", key, retry))
        case _:
            return delay


def _setting(retries: dict[str, Any], name: str) -> Any:
    value = retries.get(name)
    return DEFAULT_RETRIES[name] if value is None else value


def retry_after(value: str | None, now: datetime) -> float:
    """Seconds that a `Retry-After` header asks for, as a number or a date; 0 where it says nothing."""
    if not value:
        return 0.0
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(value) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0


class Deliveries:
    """Everything that is being posted or waits for its retry."""

    def __init__(self, ledger: Ledger, version: str) -> None:
        self.ordered = False
        self.time_factor = 1.0
        self.answer_seconds = ANSWER_SECONDS
        self._ledger = ledger
        self._version = version
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._number = max((entry["delivery"] for entry in ledger.webhooks.entries()), default=0)
        self._client: aiohttp.ClientSession | None = None

    @property
    def pending(self) -> int:
        return len(self._tasks)

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def post(self, delivery: Delivery, *, after_seconds: float = 0.0, in_order: bool = True) -> None:
        """Start a delivery and return at once. `after_seconds` in WAHA's time; out of order it overtakes and is
        overtaken.
        """
        ordered = self.ordered and in_order and delivery.chat is not None
        before = self._lanes.get(delivery.lane) if ordered else None
        task = self.start(self._run(delivery, before, after_seconds * self.time_factor))
        if ordered:
            self._lanes[delivery.lane] = task
            task.add_done_callback(lambda done: self._leave_lane(delivery.lane, done))

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that counts as pending until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, seconds: float) -> bool:
        """Wait until nothing is pending. False: something still was after so many seconds."""
        until = time.monotonic() + seconds
        while self._tasks:
            left = until - time.monotonic()
            if left <= 0:
                return False
            await asyncio.wait(list(self._tasks), timeout=left)
        return True

    async def stop(self) -> None:
        """Drop everything that is pending, as a killed WAHA does."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lanes.clear()
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _leave_lane(self, lane: tuple[str, str], task: asyncio.Task[None]) -> None:
        if self._lanes.get(lane) is task:
            del self._lanes[lane]

    async def _run(self, delivery: Delivery, before: asyncio.Task[None] | None, wait: float) -> None:
        if before is not None:
            await asyncio.wait([before])
        if wait:
            await asyncio.sleep(wait)
        retries: dict[str, Any] = delivery.webhook.get("retries") or {}
        attempts = int(_setting(retries, "attempts"))
        attempt = 0
        while True:
            attempt += 1
            started = datetime.now(UTC)
            status, error, asked = await self._attempt(delivery)
            lost = attempt == 1 and "lost_answer" in delivery.faults and status is not None
            done = status is not None and 200 <= status < 300 and not lost
            gave_up = not done and attempt > attempts
            self._write(delivery, attempt, status, "answer lost" if lost else error, started, gave_up)
            if done or gave_up:
                return
            pause = max(retry_delay(retries, attempt, delivery.envelope_id), asked)
            await asyncio.sleep(pause * self.time_factor)

    async def _attempt(self, delivery: Delivery) -> tuple[int | None, str | None, float]:
        """Status or error of one POST, and how long `Retry-After` asks to wait."""
        hmac_key = (delivery.webhook.get("hmac") or {}).get("key")
        headers = webhook_headers(
            delivery.body,
            key=hmac_key,
            request_id=delivery.request_id,
            timestamp_ms=delivery.timestamp_ms,
            version=self._version,
        )
        headers |= {header["name"]: header["value"] for header in delivery.webhook.get("customHeaders") or []}
        try:
            async with self._http().post(delivery.webhook["url"], data=delivery.body, headers=headers) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError) as problem:
            return None, type(problem).__name__, 0.0
        return answer.status, None, retry_after(answer.headers.get("retry-after"), datetime.now(UTC))

    def _http(self) -> aiohttp.ClientSession:
        if self._client is None:
            # As WAHA: unlimited connections, idle ones kept 4 s, redirects followed (302 turns the POST into a GET
            # without body).
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4.0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=self.answer_seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._client

    def _write(
        self, delivery: Delivery, attempt: int, status: int | None, error: str | None, started: datetime, gave_up: bool
    ) -> None:
        entry: dict[str, Any] = {
            "delivery": delivery.number,
            "attempt": attempt,
            "event": delivery.event,
            "session": delivery.session,
            "url": delivery.webhook["url"],
            "envelope_id": delivery.envelope_id,
            "request_id": delivery.request_id,
            "message_id": delivery.message_id,
            "chat": delivery.chat,
            "chat_seq": delivery.chat_seq,
            "level": delivery.level,
            "status": status,
            "error": error,
            "gave_up": gave_up,
            "faults": delivery.faults,
            "started_at": started.isoformat(),
            "ended_at": datetime.now(UTC).isoformat(),
        }
        self._ledger.webhooks.add(entry)


def body_bytes(body: dict[str, Any]) -> bytes:
    """The raw bytes that are signed and sent: UTF-8, not escaped, as JavaScript's JSON.stringify writes them."""
    return _encode(body).encode()
