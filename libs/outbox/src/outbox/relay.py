"""The relay: what committed in the outbox goes to the broker, in order, and is struck off once the broker has it.

One relay leads per service and database, by an advisory lock on its own connection. It takes what is still pending, so a row that
commits late is met on the next look, whatever its number; nothing is ever skipped. Published means confirmed. Per event type and
partition at most one message is unconfirmed: a refusal inside a window would reorder a chat. Lanes go in parallel, and a lane that
the broker refuses waits without holding up the others.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import asyncpg
from contracts.bundles import MAX_BYTES, MAX_EVENTS, StoredBundle
from kernel.backoff import Backoff
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from postgres.database import LOST
from telemetry.logs import get_logger

from outbox import gauges

log = get_logger(__name__)

MOST_REST_S = 0.2
WORK_TO_REST = 1.0
"""After a look that found something the relay rests: as long as it worked, or `gather_s` where that is more. What comes after
a silence leaves at once, what comes one after the other goes together. The busier the machine, the longer it works for the same, the
longer it rests, and the fewer and larger the messages for everybody down the line."""
MEASURE_EVERY_S = 1.0

ROWS_PER_LOOK = 4000
LOOK_AT_MOST_S = 10.0
"""After this no further message of a look is begun: what was confirmed must be struck off while the session still counts as alive."""

FRESH_BYTES = 32 * 1024 * 1024
"""How much of what this process said since the last look is kept at hand, so that its bytes need not be read back."""

# What was confirmed since the last look is struck off along with the next one: one way to the server for both.
PENDING = """
with struck_off as (delete from outbox_pending where seq = any($3::bigint[]))
select p.seq, p.bundle_id::text, p.routing_key, p.events from outbox_pending p
where p.routing_key <> all($1::text[]) and not exists (select from unnest($3::bigint[]) as done (seq) where done.seq = p.seq)
order by p.seq limit $2
"""
BODIES = "select id::text, body from outbox_bundles where id = any($1::uuid[])"
DONE = "delete from outbox_pending where seq = any($1::bigint[])"
BACKLOG = """
select coalesce(sum(events), 0)::int as pending, coalesce(extract(epoch from now() - min(created_at)), 0)::float as lag_s
from (select events, created_at from outbox_pending order by seq limit 10000) as waiting
"""


class Pending(NamedTuple):
    """One bundle that the broker has not confirmed."""

    seq: int
    bundle: StoredBundle


class Publisher(Protocol):
    """Where events go. `publish` returns once the broker has confirmed, and raises otherwise, within its own deadline."""

    async def publish(self, routing_key: str, event_type: str, bundles: Sequence[StoredBundle]) -> None:
        """Publish bundles of one type and partition as one message."""

    async def close(self) -> None:
        """Close the connection."""


@dataclass
class _Lane:
    """One event type and partition that the broker refused lately."""

    backoff: Backoff
    until: float


class Relay:
    """A kernel Role: leads when it can, waits as standby otherwise."""

    name = "relay"

    def __init__(
        self,
        dsn: str,
        service: str,
        publisher: Publisher,
        *,
        poll_s: float = 1.0,
        gather_s: float = 0.0,
        failpoints: Failpoints = NO_FAILPOINTS,
    ) -> None:
        """`dsn` is that of the relay role, whose search_path is the service's schema; `gather_s` how long it rests at least."""
        self._dsn = dsn
        self._service = service
        self._publisher = publisher
        self._poll_s = poll_s
        self._gather_s = gather_s
        self._failpoints = failpoints
        self._woken = asyncio.Event()
        self._held: dict[str, _Lane] = {}
        self._fresh: dict[str, bytes] = {}
        self._fresh_bytes = 0
        self._confirmed: list[int] = []
        self._measured = 0.0
        self.leads = False

    def wake(self, said: Mapping[str, bytes] | None = None) -> None:
        """Look now: something was committed. `said`: the bodies of bundles of this process, by id."""
        if said and self.leads and self._fresh_bytes < FRESH_BYTES:
            self._fresh.update(said)
            self._fresh_bytes += sum(map(len, said.values()))
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until told to stop, then once more so that the outbox is left as empty as it can be."""
        backoff = Backoff(0.2, 5.0)
        stop = asyncio.create_task(stopping.wait())
        stop.add_done_callback(lambda _: self.wake())
        try:
            while not stopping.is_set():
                try:
                    await self._lead(stopping, backoff)
                except LOST as error:
                    log.warning("relay lost its database", error_type=type(error).__name__)
                    await self._pause(backoff.next_s())
        finally:
            stop.cancel()
            await self._publisher.close()

    async def _lead(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=5,
            command_timeout=15,
            server_settings={
                "application_name": f"{self._service}-relay",
                "enable_seqscan": "off",  # plans are kept: postgres.database
                # It only strikes off: what a crash brings back is published again, and known by every inbox.
                "synchronous_commit": "off",
                # A leader looks every second. Where the network has forgotten one and keeps its session alive, the lead must come free.
                "idle_session_timeout": "25s",
                "tcp_keepalives_idle": "10",
                "tcp_keepalives_interval": "5",
                "tcp_keepalives_count": "3",
            },
        )
        try:
            await connection.add_listener(f"{self._service.replace('-', '_')}_outbox", lambda *_: self.wake())
            while not await connection.fetchval(
                "select pg_try_advisory_lock(hashtextextended($1, 0))", f"relay {self._service}"
            ):
                await self._pause(self._poll_s)
                if stopping.is_set():
                    return
            self._leads(True)
            backoff.reset()
            while not stopping.is_set():
                self._woken.clear()
                started = time.monotonic()
                published = await self.run_once(connection)
                if published == 0:
                    await self._measure(connection)
                    await self._pause(self._poll_s)
                elif not stopping.is_set():
                    worked_s = time.monotonic() - started
                    await asyncio.sleep(min(MOST_REST_S, max(self._gather_s, WORK_TO_REST * worked_s)))
            await self.run_once(connection)
            await connection.execute(DONE, self._confirmed)
        finally:
            self._confirmed = []
            self._leads(False)
            await _close(connection)

    def _leads(self, leads: bool) -> None:
        self.leads = leads
        gauges.LEADER.set(int(leads))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _measure(self, connection: asyncpg.Connection) -> None:
        if time.monotonic() - self._measured < MEASURE_EVERY_S:
            return
        self._measured = time.monotonic()
        row = await connection.fetchrow(BACKLOG)
        gauges.PENDING.set(row["pending"])
        gauges.LAG.set(row["lag_s"])

    async def run_once(self, connection: asyncpg.Connection) -> int:
        """Strike off what was confirmed, publish what is pending now, and return how many events the broker confirmed."""
        now = time.monotonic()
        done, self._confirmed = self._confirmed, []
        fresh, self._fresh, self._fresh_bytes = self._fresh, {}, 0
        held = [key for key, lane in self._held.items() if lane.until > now]
        if done:
            self._failpoints.reach("relay.before_mark")
        rows = await connection.fetch(PENDING, held, ROWS_PER_LOOK, done)
        if done:
            self._failpoints.reach("relay.after_mark")
        bodies = await _bodies(connection, [row["bundle_id"] for row in rows], fresh)
        self._failpoints.reach("relay.after_look")
        lanes: dict[str, list[Pending]] = {}
        for seq, bundle_id, routing_key, events in rows:
            bundle = StoredBundle(bundle_id, events, bodies[bundle_id])
            lanes.setdefault(routing_key, []).append(Pending(seq, bundle))
        confirmed = await asyncio.gather(*(self._publish(key, waiting) for key, waiting in lanes.items()))
        self._confirmed = [each.seq for lane in confirmed for each in lane]
        return sum(each.bundle.events for lane in confirmed for each in lane)

    async def _publish(self, routing_key: str, waiting: Sequence[Pending]) -> list[Pending]:
        """Publish what waits in one lane, message after message; return what the broker confirmed."""
        confirmed: list[Pending] = []
        event_type = routing_key.rpartition(".")[0]
        until = time.monotonic() + LOOK_AT_MOST_S
        for run in messages_of(waiting):
            started = time.monotonic()
            if started > until:
                break
            try:
                publishing = asyncio.ensure_future(
                    self._publisher.publish(routing_key, event_type, [each.bundle for each in run])
                )
                await asyncio.sleep(0)
                self._failpoints.reach("relay.before_confirm")
                await publishing
            except Exception as error:  # whatever the broker said, the rows stay and the lane waits
                lane = self._held.setdefault(routing_key, _Lane(Backoff(0.1, 2.0), 0.0))
                lane.until = time.monotonic() + lane.backoff.next_s()
                gauges.ERRORS.labels(event_type).inc()
                log.warning("publishing was refused", routing_key=routing_key, error_type=type(error).__name__)
                break
            self._failpoints.reach("relay.after_confirm")
            self._held.pop(routing_key, None)
            count = sum(each.bundle.events for each in run)
            gauges.PUBLISHED.labels(event_type).inc(count)
            gauges.BATCH_SIZE.observe(count)
            gauges.DURATION.observe(time.monotonic() - started)
            confirmed += run
        return confirmed


async def _bodies(
    connection: asyncpg.Connection, ids: Sequence[str], fresh: Mapping[str, bytes]
) -> Mapping[str, bytes]:
    """Return what to publish: at hand where this process said it, else from the table."""
    if missing := [each for each in ids if each not in fresh]:
        return dict(await connection.fetch(BODIES, missing)) | dict(fresh)
    return fresh


def messages_of(waiting: Sequence[Pending]) -> list[list[Pending]]:
    """Put the bundles that wait in one lane together, as many as one message may hold."""
    messages: list[list[Pending]] = []
    events = size = 0
    for each in waiting:
        events, size = events + each.bundle.events, size + len(each.bundle.body)
        if not messages or events > MAX_EVENTS or size > MAX_BYTES:
            messages.append([])
            events, size = each.bundle.events, len(each.bundle.body)
        messages[-1].append(each)
    return messages


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=2)
    except LOST:
        connection.terminate()
