"""Real servers for tests: the instance `test`, started once and left running, with databases and exchanges of their own per test."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from contracts.topology import Topology
from kernel.ids import new_id
from local_stack.instances import Instance
from postgres.migrating import upgrade
from postgres.roles import LOGIN_ROLES, create_service, schema_of

PASSWORD = "only-for-tests-on-loopback"  # noqa: S105 - databases of the throw-away instance


@dataclass(frozen=True)
class Servers:
    """Where the real Postgres and RabbitMQ of the test instance are."""

    superuser_dsn: str
    rabbitmq_url: str


@dataclass(frozen=True)
class ServiceDatabase:
    """A database of one's own with one service's schema in it."""

    service: str
    superuser_dsn: str
    owner_dsn: str
    app_dsn: str
    relay_dsn: str

    @property
    def schema(self) -> str:
        """Return the schema's name."""
        return schema_of(self.service)


def start_servers() -> Servers:
    """Start what does not run yet; safe when several test workers call it at once."""
    addresses = Instance.open("test").start(only={"postgres", "rabbitmq"})
    assert addresses.postgres_superuser_dsn and addresses.rabbitmq_url
    return Servers(addresses.postgres_superuser_dsn, addresses.rabbitmq_url)


def start_temporal() -> str:
    """Start Temporal unless it runs; return its host:port. NotYet where its program is missing: none is brought here."""
    host = Instance.open("test").start(only={"temporal"}).temporal_host
    assert host
    return host


def dsn_of(dsn: str, *, database: str, user: str | None = None) -> str:
    """Return the same server's address for another database, and another user with the tests' password."""
    parts = urlsplit(dsn)
    netloc = parts.netloc if user is None else f"{user}:{PASSWORD}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(path=f"/{database}", netloc=netloc))


def service_database(servers: Servers, database: str, service: str) -> ServiceDatabase:
    """Return the addresses of `service` in `database`, by role."""
    schema = schema_of(service)
    owner, app, relay = (dsn_of(servers.superuser_dsn, database=database, user=f"{schema}_{r}") for r in LOGIN_ROLES)
    return ServiceDatabase(service, dsn_of(servers.superuser_dsn, database=database), owner, app, relay)


async def create_database(
    servers: Servers, service: str, fill: Callable[[ServiceDatabase], object] | None = None
) -> str:
    """Create a database with the service's roles and schema; `fill` (blocking) puts tables into it. Return its name."""
    name = f"test_{new_id().replace('-', '')}"
    administrator = await asyncpg.connect(servers.superuser_dsn)
    try:
        await administrator.execute(f'create database "{name}"')
        connection = await asyncpg.connect(dsn_of(servers.superuser_dsn, database=name))
        try:
            # Roles belong to the cluster: one worker at a time.
            await administrator.execute("select pg_advisory_lock(4242)")
            await create_service(connection, service, dict.fromkeys(LOGIN_ROLES, PASSWORD))
        finally:
            await administrator.execute("select pg_advisory_unlock(4242)")
            await connection.close()
    finally:
        await administrator.close()
    if fill is not None:
        await asyncio.to_thread(fill, service_database(servers, name, service))
    return name


async def copy_database(servers: Servers, template: str) -> str:
    """Create a database that starts as a copy of `template`; return its name."""
    name = f"test_{new_id().replace('-', '')}"
    await _administer(servers, f'create database "{name}" template "{template}"')
    return name


async def drop_database(servers: Servers, name: str) -> None:
    """Drop a database and whoever is still connected to it."""
    await _administer(servers, f'drop database if exists "{name}" with (force)')


async def _administer(servers: Servers, statement: str) -> None:
    connection = await asyncpg.connect(servers.superuser_dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def migrate(package: str) -> Callable[[ServiceDatabase], object]:
    """Return what fills a database with a service's migrations."""
    return lambda database: upgrade(package, database.schema, database.owner_dsn)


def own_topology(events: dict[str, list[tuple[str, str]]]) -> Topology:
    """Return a topology of one's own exchanges: event type → (service, consumer) pairs."""
    mark = new_id().replace("-", "")[-12:]
    return Topology(
        exchange=f"test.{mark}.events",
        dead_letter_exchange=f"test.{mark}.dead",
        events={
            event_type: {"subscriptions": [f"{service}.{consumer}" for service, consumer in heard], "transient": []}
            for event_type, heard in events.items()
        },
    )


def run_python(*arguments: str, environment: dict[str, str], log: str) -> "subprocess.Popen[bytes]":
    """Start this Python in a process of its own, its output going to the file `log`."""
    with open(log, "ab") as output:  # noqa: PTH123
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *arguments],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
