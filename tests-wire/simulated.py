"""A clock, a database and a broker in memory that misbehave as told; everything between them is the product's own code.

The database keeps what a transaction did until it commits, and may lose the connection before or after that. The broker delivers at
least once: it refuses, forgets to confirm, keeps what was not acknowledged and repeats what was. Time passes only when all wait.
"""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg
from contracts.bundles import StoredBundle, message_of
from outbox import parked, relay
from outbox.inbox import IN_PIECES, MEET
from outbox.work import SAY

T = TypeVar("T")


class _Hurry(selectors.DefaultSelector):
    """Never waits: what would have been waited is added to the clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Return what is ready, and let the time pass that was to be waited."""
        self.now += timeout or 0.0
        return super().select(0)


class Clock:
    """Runs coroutines in a loop of its own, whose time is simulated."""

    def __init__(self) -> None:
        self._selector = _Hurry()
        self._loop = asyncio.SelectorEventLoop(self._selector)
        self._loop.time = self.monotonic  # type: ignore[method-assign]

    def monotonic(self) -> float:
        """Return simulated seconds."""
        return self._selector.now

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self._selector.now += seconds

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end."""
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """End the loop."""
        self._loop.close()


@dataclass
class Rows:
    """What is in the tables."""

    bundles: dict[str, tuple[int, str, int, bytes]] = field(default_factory=dict)
    pending: dict[int, tuple[str, str, int]] = field(default_factory=dict)
    met: dict[tuple[str, str], bool] = field(default_factory=dict)
    parked: list[tuple[str, str]] = field(default_factory=list)
    applied: list[tuple[str, str, int]] = field(default_factory=list)


class Database:
    """One schema. `fates` are those of the next transactions: lost_before or lost_after the commit; then all is well again."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.fates: list[str] = []
        self._numbers = 0
        self._lock = asyncio.Lock()  # who writes the same keys waits for the other

    @asynccontextmanager
    async def transaction(
        self, tenants: Iterable[str], projects: Iterable[str] | None = None
    ) -> AsyncIterator["Connection"]:
        """Keep what the block writes if the fate lets it commit."""
        async with self._lock:
            fate = self.fates.pop(0) if self.fates else ""
            rows = deepcopy(self.rows)
            yield Connection(rows, self._number)
            await asyncio.sleep(0)
            if fate != "lost_before":
                self.rows = rows
            if fate:
                raise asyncpg.ConnectionDoesNotExistError("simulated")

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers


class Connection:
    """What the product's statements mean, one by one."""

    def __init__(self, rows: Rows, number: Callable[[], int]) -> None:
        self._rows = rows
        self._number = number

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """Answer a query of the inbox or the relay."""
        if statement == MEET:
            fresh = []
            for identifier, consumer, in_pieces in sorted(zip(*values, strict=True)):
                if (identifier, consumer) not in self._rows.met:
                    self._rows.met[identifier, consumer] = in_pieces
                    fresh.append({"id": identifier, "consumer": consumer})
            return fresh
        if statement == IN_PIECES:
            return [
                {"id": each, "consumer": consumer}
                for (each, consumer), pieces in self._rows.met.items()
                if pieces and each in values[0]
            ]
        if statement == relay.PENDING:
            held, most, done = values
            for seq in done:
                self._rows.pending.pop(seq, None)
            waiting = [_Pending(seq, *each) for seq, each in sorted(self._rows.pending.items()) if each[1] not in held]
            return waiting[:most]
        if statement == relay.BODIES:
            return [(each, self._rows.bundles[each][3]) for each in values[0]]
        raise AssertionError(f"not simulated: {statement}")

    async def execute(self, statement: str, *values: Any) -> None:
        """Do what an outbox or a parked table does."""
        if statement == SAY:
            for identifier, _, _, routing_key, events, body in zip(*values, strict=True):
                seq = self._number()
                self._rows.bundles[identifier] = (seq, routing_key, events, body)
                self._rows.pending[seq] = (identifier, routing_key, events)
        elif statement == parked.PARK:
            self._rows.parked += zip(values[3], values[4], strict=True)
        elif "pg_notify" not in statement:
            raise AssertionError(f"not simulated: {statement}")

    def apply(self, consumer: str, chat: str, number: int) -> None:
        """Write down an effect."""
        self._rows.applied.append((consumer, chat, number))


class _Pending(tuple[Any, ...]):
    """A row that is also asked by name."""

    def __new__(cls, *values: Any) -> "_Pending":
        return super().__new__(cls, values)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(1 if key == "bundle_id" else key)


@dataclass(frozen=True)
class Message:
    """What lies in a queue."""

    body: bytes
    header: Any


class Broker:
    """A queue for each routing key. `fates` are those of the next publications: refused, unconfirmed (taken all the same) or lost."""

    def __init__(self) -> None:
        self.queues: dict[str, list[Message]] = {}
        self.acknowledged: dict[str, list[Message]] = {}
        self.fates: list[str] = []

    async def publish(self, routing_key: str, event_type: str, bundles: Sequence[StoredBundle]) -> None:
        """Take a message, or do not, and say so, or do not."""
        fate = self.fates.pop(0) if self.fates else ""
        await asyncio.sleep(0)
        body, headers = message_of(bundles)
        if fate not in ("refused", "lost"):
            self.queues.setdefault(routing_key, []).append(Message(body, headers["bundles"]))
        if fate == "refused":
            raise ConnectionResetError("simulated")
        if fate:
            raise TimeoutError("simulated")

    async def close(self) -> None:
        """Nothing is open."""

    def ack(self, routing_key: str, count: int) -> None:
        """Forget what was applied, but for what may be repeated by mistake."""
        queue = self.queues[routing_key]
        self.acknowledged.setdefault(routing_key, []).extend(queue[:count])
        del queue[:count]

    def repeat(self, routing_key: str) -> None:
        """Deliver something again that was acknowledged long ago."""
        old = self.acknowledged.get(routing_key, [])
        if old:
            self.queues.setdefault(routing_key, []).insert(0, old[len(old) // 2])
