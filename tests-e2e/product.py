"""The whole product as its users see it: a gateway, a webhook door, and tenants of one's own, in an instance of its own."""

import asyncio
import hashlib
import hmac
import itertools
import json
import random
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from kernel.ids import new_id
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, url
from testkit.eventually import eventually
from waha_simulator.payloads import Person, incoming_text

SCHEMAS = [service.name.replace("-", "_") for service in SERVICES if service.schema]
ME = Person(phone="5511955550000", lid="217000000009999", name="The Shop", device=7)


@dataclass
class Tenant:
    """A customer organisation with one WhatsApp channel."""

    client: httpx.AsyncClient
    tenant_id: str
    api_key: str
    channel_id: str
    webhook_url: str
    webhook_secret: str
    session: str

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask the gateway as this tenant."""
        return await self.client.request(method, f"/api/v1{path}", headers={"X-API-Key": self.api_key}, **more)

    async def all(self, path: str) -> list[dict[str, Any]]:
        """Return every item of a list, walked by cursor."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = (await self.ask("GET", f"{path}{'&' if '?' in path else '?'}limit=100{cursor}")).json()
            items += page["data"]
            if not page["has_more"]:
                return items
            cursor = f"&cursor={page['next_cursor']}"

    def text(self, customer: Person, text: str, *, bare_id: str | None = None, at: datetime | None = None) -> bytes:
        """Return the body of a webhook: a customer wrote."""
        body = incoming_text(
            engine="GOWS", session=self.session, me=ME, customer=customer, text=text, at=at or datetime.now(UTC),
            **({"bare_id": bare_id} if bare_id else {}),
        )  # fmt: skip
        return json.dumps(body, ensure_ascii=False).encode()

    def sign(self, body: bytes) -> dict[str, str]:
        """Return the headers that WAHA sends."""
        digest = hmac.new(self.webhook_secret.encode(), body, hashlib.sha512).hexdigest()
        return {"content-type": "application/json", "x-webhook-hmac": digest, "x-webhook-hmac-algorithm": "sha512"}


@dataclass
class Product:
    """The running product."""

    instance: Instance
    client: httpx.AsyncClient

    async def tenant(self, name: str = "Shop") -> Tenant:
        """Register a tenant and connect a WhatsApp channel."""
        mail = f"{secrets.token_hex(6)}@example.com"
        body = {"name": name, "email": mail, "password": secrets.token_urlsafe(18)}
        registered = await self.client.post("/api/v1/auth/register", json=body)
        assert registered.status_code == 201, registered.text
        key, session = registered.json()["api_key"], f"s{secrets.token_hex(4)}"
        config = {
            "base_url": url(self.instance, "simulator"),
            "api_key": self.instance.secrets["waha_api_key"],
            "session_id": session,
        }
        made = await self.client.post(
            "/api/v1/crm/channels",
            headers={"X-API-Key": key},
            json={"name": "WhatsApp", "type": "waha", "waha_config": config},
        )
        assert made.status_code == 201, made.text
        channel = made.json()
        return Tenant(
            self.client,
            registered.json()["tenant_id"],
            key,
            channel["id"],
            f"{url(self.instance, 'channel_gateway')}/api/v1/webhooks/{channel['webhook_id']}",
            channel["webhook_secret"],
            session,
        )

    async def superuser(self) -> asyncpg.Connection:
        """Look at the database from above every wall."""
        return await asyncpg.connect(self.instance.postgres_superuser_dsn)

    async def drained(self, within_s: float = 60) -> None:
        """Wait until every outbox is empty and stays so: nothing is under way any more."""
        connection = await self.superuser()
        try:

            async def quiet() -> bool:
                for _ in range(3):
                    for schema in SCHEMAS:
                        if await connection.fetchval(f"select exists(select from {schema}.outbox_pending)"):
                            return False
                    await asyncio.sleep(0.3)
                return True

            await eventually(quiet, within_s=within_s, every_s=0.2, because="empty outboxes")
        finally:
            await connection.close()


@dataclass
class Chat:
    """One customer's chat: who writes, and what was answered."""

    tenant: Tenant
    customer: Person
    accepted: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


class Senders:
    """Customers who write at a steady rate, one message of a chat at a time, retried like WAHA retries until it is answered 2xx."""

    def __init__(self, tenants: list[Tenant], chats_each: int, per_second: float, seed: int) -> None:
        self._random = random.Random(seed)
        self.chats = [
            Chat(
                tenant,
                Person(phone=f"55119{self._random.randrange(10**7, 10**8)}", lid=f"2{number:014}", name=f"C{number}"),
            )
            for tenant in tenants
            for number in range(chats_each)
        ]
        self._pause_s = len(self.chats) / per_second
        self.retries = 0
        self.refused = 0

    async def write(self, stop: asyncio.Event) -> None:
        """Let everybody write until told to stop; then finish what was begun."""
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(timeout=10, limits=limits, trust_env=False) as client:
            await asyncio.gather(*(self._chat(client, chat, stop) for chat in self.chats))

    async def _chat(self, client: httpx.AsyncClient, chat: Chat, stop: asyncio.Event) -> None:
        await asyncio.sleep(self._random.uniform(0, self._pause_s))
        for number in itertools.count(1):
            if stop.is_set():
                return
            bare_id = f"3EB0{new_id().replace('-', '').upper()[:24]}"
            body = chat.tenant.text(chat.customer, f"#{number}", bare_id=bare_id)
            await self._post(client, chat, bare_id, body)
            await asyncio.sleep(self._pause_s * self._random.uniform(0.7, 1.3))

    async def _post(self, client: httpx.AsyncClient, chat: Chat, bare_id: str, body: bytes) -> None:
        for attempt in range(60):
            try:
                answer = await client.post(chat.tenant.webhook_url, content=body, headers=chat.tenant.sign(body))
                if answer.is_success:
                    chat.accepted.append(bare_id)
                    return
                self.refused += 1
                assert answer.status_code == 503, answer.text
            except httpx.TransportError:
                self.retries += 1
            await asyncio.sleep(min(0.1 * 2**attempt, 1.0))
        chat.unknown.append(bare_id)


def log_of(instance: Instance, name: str) -> str:
    """Return what a process printed."""
    return Path(instance.logs / f"{name}.log").read_text(errors="replace")
