"""The whole product as its users see it: a gateway, a webhook door, and tenants of one's own, in an instance of its own."""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
from confidences import Confidences
from kernel.ids import new_id
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, url
from testkit.eventually import eventually
from waha_simulator.payloads import Person, incoming_text
from whatsapp import WhatsApp

SCHEMAS = [service.name.replace("-", "_") for service in SERVICES if service.schema]
ME = Person(phone="5511955550000", lid="217000000009999", name="The Shop", device=7)

ENVIRONMENT = {
    # The tests are one address and one credential where the world has many.
    "RATE_LIMIT_AUTH_MAX": "10000",
    "RATE_LIMIT_TENANT_MAX": "1000000",
    "RATE_LIMIT_AUTHENTICATED_MAX": "1000000",
    "RATE_LIMIT_GLOBAL_MAX": "1000000",
    "RATE_LIMIT_EXPENSIVE_MAX": "1000000",
    "RATE_LIMIT_UNSIGNED_MAX": "1000000",
    # Waiting that the world needs and a test does not: between sends, for evidence, for a dead sender's lease, for a deadline.
    "SEND_PACE": "false",
    "SEND_LEASE": "4",
    "SEND_LOOKS": "0.5,1.5,3,6,12,24",
    "TIMEKEEPER_MAX_SLEEP": "1",
}
"""Of a stack under test, beside what its instance gives it."""


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
    whatsapp: WhatsApp
    access_token: str = ""  # of the owner, for 15 minutes

    async def ask(self, method: str, path: str, *, key: str = "", **more: Any) -> httpx.Response:
        """Ask the gateway as this tenant; `key` is the Idempotency-Key."""
        headers = {"X-API-Key": self.api_key, **({"Idempotency-Key": key} if key else {})}
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    async def send(self, chat_id: str, text: str, *, key: str = "") -> httpx.Response:
        """Send a text into a chat."""
        body = {"chat_id": chat_id, "content_type": "text", "text": text}
        return await self.ask("POST", "/crm/messages", key=key or new_id(), json=body)

    async def rule(self, trigger: str, *actions: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Write down a rule, as soon as automation knows the project; return it."""
        steps = [{"action": name, "parameters": parameters} for name, parameters in actions]
        body = {"automation_type": "event", "name": f"on {trigger}", "trigger": trigger, "actions": steps, **more}

        async def written() -> httpx.Response | None:
            answer = await self.ask("POST", "/automation/rules", json=body)
            return None if answer.status_code == 404 else answer

        answer = await eventually(written, within_s=15, because="automation knows the project")
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def usage(self) -> dict[str, int]:
        """Return what this month came to, by meter."""
        totals: Counter[str] = Counter()
        for row in (await self.ask("GET", "/billing/usage")).json()["data"]:
            totals[row["metric"]] += row["quantity"]
        return dict(totals)

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

    async def post(self, body: bytes) -> httpx.Response:
        """Post a webhook as WAHA does."""
        return await self.client.post(self.webhook_url, content=body, headers=self.sign(body))

    async def messages(self, count: int) -> list[dict[str, Any]]:
        """Return the messages, once there are so many."""

        async def enough() -> list[dict[str, Any]] | None:
            found = await self.all("/crm/messages")
            return found if len(found) >= count else None

        found = await eventually(enough, within_s=20, because=f"{count} messages")
        assert found is not None
        return found

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
    confidences: Confidences = field(default_factory=Confidences)  # told over the client

    async def tenant(self, name: str = "Shop", **channel: Any) -> Tenant:
        """Register a tenant and make it a WhatsApp channel, which hears but is not activated; `channel` says more of it."""
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
            json={"name": "WhatsApp", "type": "waha", "waha_config": config, **channel},
        )
        assert made.status_code == 201, made.text
        door = f"{url(self.instance, 'channel_gateway')}/api/v1/webhooks/{made.json()['webhook_id']}"
        return Tenant(
            self.client,
            registered.json()["tenant_id"],
            key,
            made.json()["id"],
            door,
            made.json()["webhook_secret"],
            session,
            WhatsApp(self.instance, self.client, session),
            registered.json()["access_token"],
        )

    async def shop(self, name: str = "Shop", **channel: Any) -> Tenant:
        """Make a tenant whose channel works: activated, its code scanned."""
        tenant = await self.tenant(name, **channel)
        activated = await tenant.ask("POST", f"/crm/channels/{tenant.channel_id}/activate", json={})
        assert activated.status_code in (200, 202), activated.text
        await tenant.whatsapp.scan(ME)

        async def works() -> bool:
            return bool((await tenant.ask("GET", f"/crm/channels/{tenant.channel_id}")).json()["status"] == "active")

        await eventually(works, within_s=30, because="the channel works")
        return tenant

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


def log_of(instance: Instance, name: str) -> str:
    """Return what a process printed."""
    return logs_of(instance)[name]


def logs_of(instance: Instance) -> dict[str, str]:
    """Return what every process of an instance printed, servers and supervisor included."""
    return {file.stem: file.read_text(errors="replace") for file in instance.logs.glob("*.log")}
