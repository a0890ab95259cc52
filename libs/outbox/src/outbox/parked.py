"""What a consumer could not apply, kept where people see it, with its reason, until they redrive or discard it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from contracts.reading import Unreadable
from kernel.errors import DomainError
from postgres.database import Connection
from postgres.listing import Listing

from outbox.work import UnitOfWork, Works

# No conflict target: naming one would ask for the right to see the row, and nobody may see what names no tenant.
PARK = """
insert into parked_events (id, tenant_id, project_id, consumer, event_id, event_type, event_version, subject, reason, error,
    attempts, delivery_id, traceparent, event)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::int[], $8::text[], $9::text[],
    $10::text[], $11::int[], $12::uuid[], $13::text[], $14::bytea[])
on conflict do nothing
"""

COLUMNS = (
    "id, tenant_id, project_id, consumer, event_id, event_type, event_version, subject, reason, delivery_id, error, attempts,"
    " first_failed_at, parked_at, status, redriven_at, discarded_at, discarded_by, discard_reason, traceparent, event"
)

LISTING = Listing(
    select=f"select {COLUMNS} from parked_events where tenant_id = $1",
    sorts={"parked_at": "parked_at timestamptz"},
    filters={
        "type": "event_type = {}",
        "reason": "reason = {}",
        "subject": "subject = {}",
        "consumer": "consumer = {}",
        "delivery_id": "delivery_id = {}::uuid",
        "status": "status = {}",
        "parked_after": "parked_at >= {}",
        "parked_before": "parked_at < {}",
    },
)

MAX_ERROR_CHARACTERS = 500

Redrive = Callable[[asyncpg.Record, UnitOfWork], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parked:
    """One event on its way into the parked table, with the bundle that it was cut from, if any."""

    consumer: str
    unreadable: Unreadable
    attempts: int = 1
    bundle_id: str | None = None
    delivery_id: str | None = None


async def park(connection: Connection, items: Sequence[Parked], new_id: Callable[[], str]) -> None:
    """Store parked events in the caller's transaction; one that is parked already stays as it is."""
    await connection.execute(
        PARK,
        [new_id() for _ in items],
        [item.unreadable.tenant_id for item in items],
        [item.unreadable.project_id for item in items],
        [item.consumer for item in items],
        [item.unreadable.event_id for item in items],
        [item.unreadable.event_type for item in items],
        [_version_of(item.unreadable.event_type) for item in items],
        [item.unreadable.subject for item in items],
        [item.unreadable.reason for item in items],
        [_short(item.unreadable.error) for item in items],
        [item.attempts for item in items],
        [item.delivery_id for item in items],
        [item.unreadable.traceparent for item in items],
        [item.unreadable.body for item in items],
    )


def _version_of(event_type: str | None) -> int | None:
    version = (event_type or "").rpartition(".v")[2]
    return int(version) if version.isdigit() and len(version) < 9 else None


def _short(error: str) -> str:
    return error.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()[:MAX_ERROR_CHARACTERS]


class ParkedEvents:
    """Listing, redriving and discarding, for people of the tenant that the event belongs to."""

    def __init__(self, works: Works, service: str, redrives: Mapping[str, Redrive]) -> None:
        """`redrives` applies a parked event again, by consumer."""
        self._works = works
        self._redrives = redrives
        self.service = service
        self.listing = LISTING

    async def get(self, connection: Connection, tenant_id: str, parked_id: str) -> asyncpg.Record:
        """Return one parked event; raise not_found."""
        row = await connection.fetchrow(
            f"select {COLUMNS} from parked_events where tenant_id = $1 and id = $2",
            tenant_id,
            parked_id,
        )
        if row is None:
            raise DomainError("not_found", "there is no such parked event")
        return row

    async def count_waiting(self, connection: Connection, tenant_id: str) -> asyncpg.Record:
        """Return how many wait for a decision, and since when."""
        return await connection.fetchrow(
            "select count(*) as count, min(parked_at) as oldest_parked_at from parked_events"
            " where tenant_id = $1 and status = 'parked'",
            tenant_id,
        )

    async def redrive(
        self,
        tenant_id: str,
        parked_id: str,
        projects: Sequence[str] | None = None,
        also: Callable[[UnitOfWork], None] = lambda _: None,
    ) -> asyncpg.Record:
        """Apply a parked event again; its effects, its new state and what `also` says commit together, so of two redrives one applies.

        `projects` are those of whoever asks: the event must be of one of them, or of none. Raises not_found, invalid_state when
        it was decided already, rule_violated when it fails again (it stays parked, counted).
        """
        async with self._works.begin([tenant_id], projects) as work:
            await self.get(work.connection, tenant_id, parked_id)
        # What it does is the consumer's, which is kept to no project.
        try:
            async with self._works.begin([tenant_id]) as work:
                row = await self._claim(work, tenant_id, parked_id)
                await self._redrives[row["consumer"]](row, work)
                also(work)
                return await work.connection.fetchrow(
                    "update parked_events set status = 'redriven', redriven_at = now()"
                    f" where tenant_id = $1 and id = $2 returning {COLUMNS}",
                    tenant_id,
                    parked_id,
                )
        except DomainError as error:
            if error.code in ("not_found", "invalid_state"):
                raise
            await self._failed_again(tenant_id, parked_id, error)
            raise DomainError("rule_violated", "the event failed again", rule="redrive") from error
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, KeyError, TypeError, ValueError) as error:
            await self._failed_again(tenant_id, parked_id, error)
            raise DomainError("rule_violated", "the event failed again", rule="redrive") from error

    async def discard(
        self, work: UnitOfWork, tenant_id: str, parked_id: str, *, by: str, reason: str
    ) -> asyncpg.Record:
        """Decide that a parked event will never be applied. It is kept with the reason."""
        await self._claim(work, tenant_id, parked_id)
        return await work.connection.fetchrow(
            "update parked_events set status = 'discarded', discarded_at = now(), discarded_by = $3, discard_reason = $4"
            f" where tenant_id = $1 and id = $2 returning {COLUMNS}",
            tenant_id,
            parked_id,
            by,
            reason,
        )

    async def _claim(self, work: UnitOfWork, tenant_id: str, parked_id: str) -> asyncpg.Record:
        row = await work.connection.fetchrow(
            f"select {COLUMNS} from parked_events where tenant_id = $1 and id = $2 for update",
            tenant_id,
            parked_id,
        )
        if row is None:
            raise DomainError("not_found", "there is no such parked event")
        if row["status"] != "parked":
            raise DomainError("invalid_state", "it was decided already", current_state=row["status"])
        return row

    async def _failed_again(self, tenant_id: str, parked_id: str, error: Exception) -> None:
        async with self._works.begin([tenant_id]) as work:
            await work.connection.execute(
                "update parked_events set attempts = attempts + 1, error = $3 where tenant_id = $1 and id = $2",
                tenant_id,
                parked_id,
                _short(describe(error)),
            )


def describe(error: BaseException) -> str:
    """Return what failed without values: database errors quote the row's content in their detail, so only names are kept."""
    if isinstance(error, asyncpg.PostgresError):
        constraint: Any = getattr(error, "constraint_name", None)
        return f"{type(error).__name__} {error.sqlstate} {constraint or ''}".strip()
    if isinstance(error, DomainError):
        return str(error)
    return type(error).__name__
