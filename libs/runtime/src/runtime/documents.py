"""A service's OpenAPI document, made without any server: it is put together over a database in which nothing is found."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

from bus.publisher import BrokerPublisher
from contracts.topology import load_topology
from joserfc.jwk import OKPKey
from kernel.failpoints import NO_FAILPOINTS
from kernel.settings import Environment
from outbox.inbox import Inbox
from outbox.relay import Relay
from outbox.work import Works
from postgres.database import Connection, Database
from web.routes import DeclaredRoute

from runtime.parts import Parts
from runtime.service import Build, application
from runtime.settings import read_service_settings

NOWHERE = "127.0.0.1:1"


class _NothingFound:
    """A connection on which every statement finds nothing."""

    async def fetch(self, *_: object, **__: object) -> list[Any]:
        return []

    async def fetchrow(self, *_: object, **__: object) -> None:
        return None

    async def fetchval(self, *_: object, **__: object) -> None:
        return None

    async def execute(self, *_: object, **__: object) -> str:
        return ""


class _EmptyDatabase(Database):
    """What a service may look into while it is put together."""

    def __init__(self) -> None:
        """Connect to nothing."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        yield cast(Connection, _NothingFound())

    @asynccontextmanager
    async def transaction(
        self, tenants: Iterable[str] = (), projects: Iterable[str] | None = None
    ) -> AsyncIterator[Connection]:
        yield cast(Connection, _NothingFound())


def document_of(service: str, build: Build) -> tuple[dict[str, Any], list[DeclaredRoute]]:
    """Return the service's document, and the declared routes that it cannot describe by itself (plain ones)."""
    with _environment(made_up_settings()):
        return asyncio.run(_document_of(service, build))


async def _document_of(service: str, build: Build) -> tuple[dict[str, Any], list[DeclaredRoute]]:
    env = Environment(os.environ)
    settings = read_service_settings(env)
    env.check()
    database = _EmptyDatabase()
    works = Works(database, partitions=1)
    topology = load_topology()
    relay = Relay(settings.database.relay_url, service, BrokerPublisher(settings.bus.url, service, topology))
    parts = Parts(service, settings, topology, NO_FAILPOINTS, database, relay, works, Inbox(works, NO_FAILPOINTS))
    blueprint = await build(parts)
    declared = [route for routes in blueprint.routes for route in routes.declared]
    return application(parts, blueprint).openapi(), [each for each in declared if each.plain and each.in_documents]


def made_up_settings() -> dict[str, str]:
    """Return an environment in which any service can be put together. Its keys are fresh and open nothing."""
    key = OKPKey.generate_key("Ed25519")
    return {
        "ENV": "test",
        "APP_BASE_URL": "http://localhost:8080",
        "WEBHOOK_BASE_URL": "http://localhost:8080",
        "BUS_PARTITIONS": "1",
        "DATABASE_URL": f"postgresql://{NOWHERE}/nothing",
        "DATABASE_RELAY_URL": f"postgresql://{NOWHERE}/nothing",
        "RABBITMQ_URL": f"amqp://{NOWHERE}/",
        "INTERNAL_TOKEN_PUBLIC_KEYS": key.as_pem(private=False).decode(),
        "JWT_PRIVATE_KEY": key.as_pem(private=True).decode(),
        "ENCRYPTION_AES_KEY": f"made-up:{base64.b64encode(os.urandom(32)).decode()}",
        "MAIL_OUTBOX": "/nowhere",
        "WAHA_BASE_URL": f"http://{NOWHERE}",
    }


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Replace the whole environment for a while: what stands in the caller's shell must not change the document."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
