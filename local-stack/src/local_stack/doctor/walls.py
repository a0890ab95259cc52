"""The tenant wall: every table of every service stands behind it, read from the catalogue of the running database."""

from collections.abc import Mapping, Sequence

import asyncpg
from postgres.holes import Hole, holes_in
from postgres.roles import schema_of

from local_stack.doctor.finding import Finding, Of, in_words, make, said
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, Service

WALLS = Of("walls")
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

_EVERYWHERE: Mapping[str, str] = {
    "table migrations": "Alembic's own: which revision the schema stands at, nobody's data",
    "column migrations": "the same",
    "column outbox_bundles": "one row speaks of several tenants: its wall asks for all of them",
    "column outbox_pending": "numbers of bundles, which the service adds and cannot read",
    "policy outbox_pending.says": "adding is all that it allows",
    "column inbox_bundles": "ids of what was met, nobody's data",
    "policy inbox_bundles.meets": "the same",
    "column parked_events": "bytes that name no tenant are parked too, for operators",
    "policy parked_events.nobodys_bytes": "adding such bytes is all that it allows",
    "key parked_events_pkey": "ids minted here, and no statement says ON CONFLICT on them",
    "function keep_partitions": "only the owner makes and drops partitions; it answers a number",
    "function keep_statistics": "only the owner analyses its tables; it answers a number",
}
_OF_ONE: Mapping[str, Mapping[str, str]] = {
    "identity": {
        "key users_by_email": "a person signs in by e-mail alone",
        "key tenants_by_slug": "a slug stands in addresses",
        "key api_keys_by_hash": "a key names nobody",
        "function keep_audit_partitions": "only the owner makes and drops partitions, none younger than two years; it answers a number",
        **dict.fromkeys(
            ("fence agents", "fence api_keys", "fence membership_changes", "fence project_members", "fence sign_ins"),
            "whose projects are whose is read from it: identity compares them itself",
        ),
    },
    "billing": {
        **dict.fromkeys(
            ("fence active_contacts", "fence usage_meters"),
            "tenants pay, not projects, and only their owners ask",
        ),
    },
    "session": {
        "column consumer_lag": "how far each replica is behind, nobody's data",
        "policy consumer_lag.everybodys": "the same",
    },
    "pipeline-automation": {
        "function keep_feed_days": "only the owner makes and drops partitions, none younger than 30 days; it answers a number",
    },
    "channel-gateway": {
        "key channels_by_webhook": "a webhook names its channel and nobody else",
        "function keep_delivery_partitions": "only the owner makes and drops partitions; it answers a number",
    },
}


def excused(service: str) -> Mapping[str, str]:
    """Return what of one service may break a rule, as `rule place`, each with the reason why. A closed list."""
    return {**_EVERYWHERE, **_OF_ONE.get(service, {})}


async def open_holes(connection: asyncpg.Connection, service: str) -> list[Hole]:
    """Return the holes in a service's wall that nothing excuses. `connection` is a superuser's."""
    known = excused(service)
    return [each for each in await holes_in(connection, schema_of(service)) if f"{each.rule} {each.place}" not in known]


async def examine(instance: Instance, services: Sequence[Service] = SERVICES) -> list[Finding]:
    """Read the catalogue as its administrator."""
    with_schema = [one.name for one in services if one.schema]
    try:
        administrator = await asyncpg.connect(instance.postgres_superuser_dsn, timeout=5, command_timeout=10)
    except _LOST as error:
        return [WALLS.fail(f"cannot be looked at: {said(error)}", make(instance, "logs SERVICE=postgres"))]
    try:
        found = [_told(instance, name, await open_holes(administrator, name)) for name in with_schema]
    except _LOST as error:
        return [WALLS.fail(f"were lost while they were looked at: {said(error)}", make(instance, "status"))]
    finally:
        await administrator.close(timeout=5)
    holes = [one for one in found if one is not None]
    return holes or [WALLS.ok(f"every table of {len(with_schema)} services stands behind its tenants' wall")]


def _told(instance: Instance, service: str, holes: Sequence[Hole]) -> Finding | None:
    if not holes:
        return None
    return WALLS.fail(
        f"{service}: {in_words([str(each) for each in holes])}",
        f"stop it now ({make(instance, 'down')}): somebody changed it by hand, or a migration forgot the wall",
    )
