"""A whole service over ASGI on a real database, called as the gateway would call it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import httpx
import msgspec
from bus.publisher import BrokerPublisher
from contracts.audit.recorded_v1 import AuditRecordedV1
from contracts.envelope import AnyEvent, Event, UnreadEvent
from contracts.registry import payloads
from contracts.topology import load_topology
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from kernel.failpoints import NO_FAILPOINTS
from kernel.ids import new_id
from outbox.inbox import Inbox
from outbox.relay import Relay
from outbox.said import events_said
from outbox.work import Works
from postgres.database import Database
from runtime.parts import Parts
from runtime.service import Blueprint, application
from runtime.settings import BusSettings, DatabaseSettings, HttpSettings, ServiceSettings
from web.caller import Caller
from web.internal_tokens import HEADER, InternalTokenIssuer
from web.pem_keys import keys_of_pem
from web.permissions import permissions_of

from testkit.doorstep import Doorstep
from testkit.servers import ServiceDatabase

TESTS_KEY = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
"""Signs the internal tokens of one test run."""


def a_caller(
    tenant_id: str, project_id: str | None, *, role: str = "admin", owner: bool = False, **more: Any
) -> Caller:
    """Return somebody of a tenant, with the permissions of a role."""
    facts: dict[str, Any] = {
        "tenant_id": tenant_id,
        "project_id": project_id,
        "subject": new_id(),
        "subject_kind": "user",
        "credential_id": new_id(),
        "role": role,
        "owner": owner,
        "permissions": frozenset(permissions_of(role, owner=owner)),
        "agent_id": None,
        "request_id": new_id(),
        "correlation_id": new_id(),
    }
    return Caller(**{**facts, **more})


@dataclass
class Served:
    """A service that answers, its parts, and whoever may look into its tables from above."""

    client: httpx.AsyncClient
    parts: Parts
    blueprint: Blueprint
    administrator: asyncpg.Connection
    issuer: InternalTokenIssuer

    def headers(self, caller: Caller) -> dict[str, str]:
        """Return what the gateway would send along for this caller."""
        fresh = replace(caller, request_id=new_id(), correlation_id=new_id())
        return {HEADER: self.issuer.issue(fresh, self.parts.service)}

    async def ask(self, caller: Caller, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request as `caller`; `path` stands under /api/v1."""
        headers = {**self.headers(caller), **more.pop("headers", {})}
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    async def said(self) -> list[AnyEvent]:
        """Return every event in the outbox but entries of the audit log, in the order in which it was said."""
        return [each for each in await self._everything_said() if each.type != AuditRecordedV1.TYPE]

    async def audited(self) -> list[AnyEvent]:
        """Return what was said to the audit log."""
        return [each for each in await self._everything_said() if each.type == AuditRecordedV1.TYPE]

    async def _everything_said(self) -> list[AnyEvent]:
        bodies = await events_said(self.administrator, self.parts.service.replace("-", "_"))
        kinds: Any = payloads()
        unread = [(msgspec.json.decode(body, type=UnreadEvent).type, body) for body in bodies]
        return [msgspec.json.decode(body, type=Event[kinds[name]]) for name, body in unread]


@asynccontextmanager
async def serving(
    database: ServiceDatabase,
    build: Callable[[Parts], Awaitable[Blueprint]],
    *,
    rabbitmq_url: str = "amqp://127.0.0.1:1/",
) -> AsyncIterator[Served]:
    """Open a service on `database`; nothing is consumed or relayed."""
    private = keys_of_pem(TESTS_KEY)[0]
    issuer = InternalTokenIssuer(private)
    settings = settings_for(database, rabbitmq_url)
    pool = await Database.connect(database.app_dsn, application="tests")
    topology = load_topology()
    relay = Relay(database.relay_dsn, database.service, BrokerPublisher(rabbitmq_url, database.service, topology))
    works = Works(pool, partitions=4)
    parts = Parts(database.service, settings, topology, NO_FAILPOINTS, pool, relay, works, Inbox(works))
    administrator = await asyncpg.connect(database.superuser_dsn)
    try:
        blueprint = await build(parts)
        app: Any = application(parts, blueprint)
        if blueprint.door:
            app = Doorstep(blueprint.door, app)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://tests") as client:
            yield Served(client, parts, blueprint, administrator, issuer)
    finally:
        await administrator.close()
        await pool.close()


def settings_for(database: ServiceDatabase, rabbitmq_url: str) -> ServiceSettings:
    """Return the settings of a service under test."""
    return ServiceSettings(
        env="test",
        version="0.0.0",
        instance="tests",
        log_level="info",
        log_format="json",
        otlp_endpoint=None,
        trace_ratio=0.0,
        shutdown_grace_s=5,
        crash_at=None,
        internal_token_public_keys=public_pem(TESTS_KEY),
        sealing_key=b"\x07" * 32,
        http=HttpSettings("127.0.0.1", 1, 1),
        database=DatabaseSettings(database.app_dsn, database.relay_dsn, 10, 2, 10, 3, 5),
        bus=BusSettings(rabbitmq_url, 4, 8, 500, 4 * 1024 * 1024, 0, 1, 1, 0, 30, 14),
    )


def public_pem(private: str) -> str:
    """Return the public half of a PEM key."""
    key = load_pem_private_key(private.encode(), None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
