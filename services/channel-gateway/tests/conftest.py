"""The whole service over ASGI with a real Postgres: channels are connected by its API, webhooks posted to its door."""

import base64
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from channel_gateway.application.provider import Provider
from channel_gateway.bootstrap import Assembly
from channel_gateway.settings import Settings
from kernel.failpoints import NO_FAILPOINTS
from kernel.ids import new_id
from outbox.parked import ParkedEvents
from outbox.said import events_said
from outbox.work import Works
from postgres.database import Database
from testkit.doorstep import Doorstep
from testkit.servers import Servers, ServiceDatabase, create_database, drop_database, migrate, service_database
from waha_simulator.payloads import Person, incoming_text
from waha_simulator.signing import webhook_headers
from web.app import create_app
from web.caller import Caller
from web.internal_tokens import InternalTokenIssuer, InternalTokens, make_key, public_part
from web.parked_events import parked_event_routes
from web.permissions import permissions_of

sys.path.insert(0, str(Path(__file__).parent))

SERVICE = "channel-gateway"
AES_KEY = f"k1:{base64.b64encode(bytes(range(32))).decode()}"
NOW = datetime.now(UTC).replace(microsecond=0)
SHOP = Person("5548911110000", "900000000000001", "The Shop")
ROSA = Person("5548922220000", "700000000000002", "Rosa")

EMPTY = """
set session_replication_role = replica;
do $empty$ declare place regclass; begin
    for place in select oid from pg_class where relnamespace = 'channel_gateway'::regnamespace and relkind = 'r'
        and relname <> 'migrations' loop execute format('delete from %s', place); end loop;
end $empty$;
set session_replication_role = origin
"""


def settings_of(**changes: Any) -> Settings:
    """Return settings as a test wants them."""
    usual: dict[str, Any] = {
        "encryption_keys": AES_KEY,
        "app_base_url": "https://crm.example.com",
        "webhook_base_url": "https://hooks.example.com",
        "outbound_allowed_hosts": ("waha.internal:3000",),
        "ingest_batch_max": 500,
        "ingest_batch_wait_s": 0.002,
        "max_webhook_bytes": 10 * 1024 * 1024,
        "delivery_days": 7,
    }
    return Settings(**usual | changes)


async def public_addresses(host: str, port: int) -> Sequence[str]:
    """Stand in for the resolver: every host is public, but for those that say otherwise."""
    return {"mixed.example.com": ["93.184.216.34", "10.0.0.1"], "gone.example.com": []}.get(host, ["93.184.216.34"])


@dataclass(frozen=True)
class Tenant:
    """Somebody who connects channels."""

    tenant_id: str = field(default_factory=new_id)
    project_id: str = field(default_factory=new_id)
    subject: str = field(default_factory=new_id)

    def caller(self, role: str = "admin") -> Caller:
        return Caller(
            tenant_id=self.tenant_id,
            project_id=self.project_id,
            subject=self.subject,
            subject_kind="user",
            credential_id=self.subject,
            role=role,
            owner=False,
            permissions=permissions_of(role),
            agent_id=None,
            request_id=new_id(),
            correlation_id=new_id(),
        )


@dataclass(frozen=True)
class Channel:
    """A connected channel, with what its provider knows."""

    tenant: Tenant
    id: str
    webhook_id: str
    secret: str
    session: str
    answer: dict[str, Any]


class Gateway:
    """The service, its database and everybody who talks to it."""

    def __init__(self, database: ServiceDatabase, assembly: Assembly, administrator: asyncpg.Connection) -> None:
        self.database = database
        self.assembly = assembly
        self.administrator = administrator
        key = make_key()
        self._issuer = InternalTokenIssuer(key)
        blueprint = assembly.blueprint()
        parked = ParkedEvents(assembly.works, SERVICE, blueprint.redrives)
        self.app = create_app(
            service=SERVICE,
            version="test",
            routes=[*blueprint.routes, parked_event_routes(parked)],
            tokens=InternalTokens(SERVICE, public_part(key)),
            works=assembly.works,
            sealing_key=bytes(range(32)),
            docs=True,
        )
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(Doorstep(assembly.door, self.app)), base_url="http://gateway", timeout=30
        )

    async def ask(self, tenant: Tenant, method: str, path: str, *, role: str = "admin", **more: Any) -> httpx.Response:
        """Call the API as somebody of `tenant`."""
        headers = {"X-Internal-Token": self._issuer.issue(tenant.caller(role), SERVICE), **more.pop("headers", {})}
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **more)

    async def connect(self, tenant: Tenant | None = None, *, session: str = "shop", **more: Any) -> Channel:
        """Connect a channel; its host is unique unless `base_url` says otherwise."""
        tenant = tenant or Tenant()
        base_url = more.pop("base_url", f"https://{new_id()}.example.com")
        waha = {"base_url": base_url, "api_key": "the-provider-key", "session_id": session}
        answer = await self.ask(
            tenant, "POST", "/crm/channels", json={"name": "Shop", "type": "waha", "waha_config": waha, **more}
        )
        assert answer.status_code == 201, answer.text
        found = answer.json()
        return Channel(tenant, found["id"], found["webhook_id"], found["webhook_secret"], session, found)

    async def activated(self, count: int) -> list[Channel]:
        """Return so many channels of one tenant, as if somebody had connected and activated each: one is, the rest are
        its copies."""
        first = await self.connect(allow_groups=True)
        await self.administrator.execute("update channel_gateway.channels set status = 'active'")
        copies = [replace(first, id=new_id(), webhook_id=str(uuid4())) for _ in range(count - 1)]
        for table, key in (("channels", "id"), ("channel_activity", "channel_id")):
            await self.administrator.execute(
                f"insert into channel_gateway.{table} select (jsonb_populate_record(t, jsonb_build_object('{key}', copy,"
                " 'webhook_id', webhook, 'provider_session', replace(copy::text, '-', '')))).*"
                f" from channel_gateway.{table} t, unnest($2::uuid[], $3::uuid[]) as c (copy, webhook) where t.{key} = $1",
                first.id,
                [copy.id for copy in copies],
                [copy.webhook_id for copy in copies],
            )
        return [first, *copies]

    async def post(
        self,
        channel: Channel,
        body: dict[str, Any] | bytes,
        *,
        key: str | None = None,
        place: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Deliver a webhook, signed with the channel's key or another."""
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        if headers is None:
            headers = webhook_headers(
                raw, key=key or channel.secret, request_id="18a767mkh37y0h", timestamp_ms=1, version="2026.7.1"
            )
        return await self.http.post(f"/api/v1/webhooks/{place or channel.webhook_id}", content=raw, headers=headers)

    async def rows(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Look at the tables from above the walls."""
        return [dict(row) for row in await self.administrator.fetch(statement, *parameters)]

    async def states(self, channel: Channel) -> list[str]:
        """Return what became of a channel's deliveries, in the order in which they came."""
        found = await self.rows(
            "select state from channel_gateway.inbound_deliveries where channel_id = $1 order by id", channel.id
        )
        return [row["state"] for row in found]

    async def said(self, event_type: str | None = "channel.message_received.v1") -> list[dict[str, Any]]:
        """Return the events of a type in the outbox, in order; None: of all types but the audit log's, type by type in a transaction."""
        said = [json.loads(each) for each in await events_said(self.administrator, "channel_gateway", event_type)]
        return [each for each in said if event_type is not None or each["type"] != "audit.recorded.v1"]

    async def close(self) -> None:
        await self.http.aclose()


class Gateways:
    """Makes services around the test's database."""

    def __init__(self, database: ServiceDatabase, administrator: asyncpg.Connection) -> None:
        self.database = database
        self.administrator = administrator
        self._opened: list[Database] = []
        self._made: list[Gateway] = []

    def usual_settings(self) -> Settings:
        """Return settings to be changed by whoever needs others."""
        return settings_of()

    async def make(
        self,
        *,
        provider: Provider | None = None,
        dsn: str | None = None,
        pool: dict[str, Any] | None = None,
        settings: Settings | None = None,
        listens: bool = False,
    ) -> Gateway:
        database = await Database.connect(dsn or self.database.app_dsn, application="tests", **pool or {})
        self._opened.append(database)
        assembly = Assembly(
            Works(database, partitions=4),
            settings or settings_of(),
            failpoints=NO_FAILPOINTS,
            provider=provider,
            resolve=public_addresses,
            listen_dsn=self.database.app_dsn if listens else None,
        )
        self._made.append(Gateway(self.database, assembly, self.administrator))
        return self._made[-1]

    async def close(self) -> None:
        for gateway in self._made:
            await gateway.close()
        for database in self._opened:
            await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_database(servers: Servers) -> AsyncIterator[ServiceDatabase]:
    """One migrated database for all tests of this worker: making and dropping one takes longer than most tests."""
    name = await create_database(servers, SERVICE, migrate("channel_gateway"))
    yield service_database(servers, name, SERVICE)
    await drop_database(servers, name)


@pytest_asyncio.fixture
async def gateways(shared_database: ServiceDatabase) -> AsyncIterator[Gateways]:
    """Services around a database without a row in it. A file whose tests change tables has a fixture of its own."""
    administrator = await asyncpg.connect(shared_database.superuser_dsn)
    await administrator.execute(EMPTY)
    made = Gateways(shared_database, administrator)
    try:
        yield made
    finally:
        await made.close()
        await administrator.close()


@pytest_asyncio.fixture
async def gateway(gateways: Gateways) -> Gateway:
    """The service."""
    return await gateways.make()


@pytest.fixture
def tenant() -> Tenant:
    """Somebody."""
    return Tenant()


@pytest.fixture
def tenant_of() -> type[Tenant]:
    """`tenant_of()`: somebody else."""
    return Tenant


@pytest.fixture
def text_of() -> Any:
    """`text_of("hello", engine="GOWS", session="shop", …)`: the body of a message that Rosa wrote."""

    def make(text: str = "hello", *, engine: str = "GOWS", session: str = "shop", **more: Any) -> dict[str, Any]:
        customer = more.pop("customer", ROSA)
        return incoming_text(
            engine=engine, session=session, me=SHOP, customer=customer, text=text, at=more.pop("at", NOW), **more
        )

    return make
