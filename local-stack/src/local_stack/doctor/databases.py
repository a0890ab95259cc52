"""Postgres: every service writes and reads behind its wall, its tables are those of this code, nothing waits too long."""

import time
from collections.abc import Sequence

import asyncpg
from kernel.ids import new_id
from postgres.revisions import current_revision, head_of
from postgres.roles import schema_of

from local_stack.doctor.finding import Finding, Of, in_words, make, said
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, Service, service_environment

OUTBOX = Of("outbox")
PARKED = Of("parked")
POSTGRES = Of("postgres")
_LATE_SECONDS = 60.0
_SLOW_COMMIT_MS = 250.0
_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "server_encoding": "UTF8",
    "TimeZone": "UTC",
}
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

_WRITE = (
    "insert into parked_events (id, tenant_id, consumer, event_id, reason, error, event)"
    " values ($1, $2, 'doctor', $1, 'checkup', '', '')"
)
_READ = "select count(*) from parked_events where id = $1"
_WALL = "select set_config('app.tenant_ids', $1, true)"
# A commit that leaves nothing behind but must reach the disk.
_COMMIT = "select pg_logical_emit_message(true, 'doctor', 'checkup')"


async def examine(instance: Instance, services: Sequence[Service] = SERVICES) -> list[Finding]:
    """Use it as each service does, then look at it as its administrator."""
    try:
        administrator = await asyncpg.connect(instance.postgres_superuser_dsn, timeout=5, command_timeout=10)
    except _LOST as error:
        log = make(instance, "logs SERVICE=postgres")
        return [
            POSTGRES.fail(
                f"does not let its administrator in: {said(error)}", f"{log}, then {make(instance, 'down up')}"
            )
        ]
    try:
        with_schema = [one for one in services if one.schema]
        found = [one for service in with_schema for one in await _as_service(instance, service)]
        if not found:
            found = [
                POSTGRES.ok(
                    f"{len(with_schema)} services write and read behind their walls, with tables of this version"
                )
            ]
        found.append(await _commits(administrator))
        found += [await _settings(administrator), await _connections(administrator)]
        waiting = [one for service in with_schema for one in await _waiting(administrator, instance, service)]
        return [*found, *(waiting or [OUTBOX.ok("nothing waits for the broker, nothing is parked")])]
    except _LOST as error:
        return [POSTGRES.fail(f"was lost while it was asked: {said(error)}", make(instance, "status"))]
    finally:
        await administrator.close(timeout=5)


async def _as_service(instance: Instance, service: Service) -> list[Finding]:
    """Sign in with the service's own address, and write a row that it and nobody else can read; it is taken back."""
    about = f"{service.name}: "
    try:
        connection = await asyncpg.connect(
            service_environment(instance, service)["DATABASE_URL"], timeout=5, command_timeout=10
        )
    except asyncpg.InvalidPasswordError:
        return [
            POSTGRES.fail(f"{about}its password is refused", f"{make(instance, 'down up')} sets the passwords again")
        ]
    except _LOST as error:
        return [POSTGRES.fail(f"{about}cannot sign in: {said(error)}", make(instance, "down up"))]
    try:
        behind = await _migrations(connection, instance, service)
        return behind or await _rows(connection, instance, about)
    except _LOST as error:
        return [
            POSTGRES.fail(f"{about}cannot write or read: {said(error)}", make(instance, f"logs SERVICE={service.name}"))
        ]
    finally:
        await connection.close(timeout=5)


async def _migrations(connection: asyncpg.Connection, instance: Instance, service: Service) -> list[Finding]:
    schema = schema_of(service.name)
    current, head = await current_revision(connection, schema), head_of(service.module)
    if current == head:
        return []
    told = f"{service.name}: its tables are at {current or 'nothing'}, this code wants {head}"
    return [POSTGRES.fail(told, f"{make(instance, 'down up')} migrates; back to an older code needs its own tables")]


async def _rows(connection: asyncpg.Connection, instance: Instance, about: str) -> list[Finding]:
    event, tenant, stranger = new_id(), new_id(), new_id()
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(_WALL, tenant)
        await connection.execute(_WRITE, event, tenant)
        own = await connection.fetchval(_READ, event)
        await connection.execute(_WALL, stranger)
        others = await connection.fetchval(_READ, event)
    finally:
        await transaction.rollback()
    if own == 1 and others == 0:
        return []
    wall = "another tenant reads its rows" if others else "it does not read what it wrote"
    return [
        POSTGRES.fail(
            f"{about}{wall}", f"stop it now ({make(instance, 'down')}): its row-level security was changed by hand"
        )
    ]


async def _commits(administrator: asyncpg.Connection) -> Finding:
    started = time.monotonic()
    await administrator.execute(_COMMIT)
    took = 1000 * (time.monotonic() - started)
    if took > _SLOW_COMMIT_MS:
        return POSTGRES.warn(f"a commit takes {took:.0f} ms", "the disk is slow or busy: every message waits for it")
    return POSTGRES.ok(f"a commit reaches the disk in {took:.0f} ms")


async def _settings(administrator: asyncpg.Connection) -> Finding:
    wrong = [
        f"{name} is {found}, not {expected}"
        for name, expected in _SETTINGS.items()
        if (found := await administrator.fetchval("select current_setting($1)", name)) != expected
    ]
    if wrong:
        return POSTGRES.fail(
            "; ".join(wrong),
            "take it back (ALTER SYSTEM, DATABASE or ROLE … RESET) and start again: messages may be lost",
        )
    version = await administrator.fetchval("select current_setting('server_version')")
    return POSTGRES.ok(f"version {version}, keeps what it confirms, UTF-8, UTC")


async def _connections(administrator: asyncpg.Connection) -> Finding:
    row = await administrator.fetchrow(
        "select (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,"
        " current_setting('max_connections')::int as most,"
        " coalesce((select extract(epoch from max(now() - xact_start)) from pg_stat_activity where backend_xmin is not null or"
        " backend_xid is not null), 0)::float as oldest_s"
    )
    if row["oldest_s"] > _LATE_SECONDS:
        told = f"a transaction has been open for {row['oldest_s']:.0f} s"
        return POSTGRES.warn(
            told, "end it (pg_terminate_backend): events wait for it, and no dead row is cleared meanwhile"
        )
    told = f"{row['used']} of {row['most']} connections used"
    if row["used"] > 0.8 * row["most"]:
        return POSTGRES.warn(told, "set DB_MAX_OPEN lower, or end who holds them")
    return POSTGRES.ok(told)


async def _waiting(administrator: asyncpg.Connection, instance: Instance, service: Service) -> list[Finding]:
    """What waits for the broker, and what waits for a person."""
    schema = schema_of(service.name)
    if await administrator.fetchval("select to_regclass($1)", f"{schema}.outbox_pending") is None:
        return []  # told already: no tables
    age = await administrator.fetchval(
        f'select coalesce(extract(epoch from now() - min(created_at)), 0)::float from "{schema}".outbox_pending'
    )
    parked = await administrator.fetch(
        f"select consumer, reason, count(*) as number from \"{schema}\".parked_events where status = 'parked' group by 1, 2 order by 3 desc"
    )
    found = []
    if age > _LATE_SECONDS:
        told = f"{service.name}: its oldest event has waited {age:.0f} s for the broker"
        found.append(
            OUTBOX.fail(
                told,
                f"{make(instance, f'logs SERVICE={service.name}')}: which queue is missing, or is the broker away?",
            )
        )
    if parked:
        why = in_words([f"{row['number']} of {row['consumer']}: {row['reason']}" for row in parked])
        told = f"{service.name}: {sum(row['number'] for row in parked)} events are parked ({why})"
        found.append(
            PARKED.warn(told, "GET /api/v1/parked-events names them; repair the cause, then redrive or discard them")
        )
    return found
