"""Identity as a whole, over ASGI on a real database; time and waiting are the tests'."""

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from contracts.envelope import first_event
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from identity.adapters.mailing import Mailing
from identity.bootstrap import build
from kernel.ids import new_id
from testkit.plugin import DatabaseOf
from testkit.serving import Served, a_caller, serving
from web.caller import Caller
from web.works import NOBODY

PASSWORD = "um cavalo bebe chá frio"


def pem() -> str:
    """Return a fresh private key as operators keep it."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


VARIABLES = {
    "ENV": "test",
    "PASSWORD_HASH_COST": "low",
    "JWT_PRIVATE_KEY": pem() + pem(),
    "APP_BASE_URL": "https://crm.example.com/",
    "ENCRYPTION_AES_KEY": "k1:" + "A" * 43 + "=",
}

THE_GATEWAY = a_caller(
    NOBODY, None, subject=NOBODY, subject_kind="system", credential_id=NOBODY, permissions=frozenset()
)


@dataclass
class House:
    """The service, with a clock that stands still until somebody moves it, and waits that take no time."""

    served: Served
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    waited: list[float] = field(default_factory=list)
    outbox: Path = Path("/nowhere")

    async def wait(self, seconds: float) -> None:
        """Note a wait."""
        if seconds:
            self.waited.append(seconds)

    def pass_time(self, **much: float) -> None:
        """Move the clock."""
        self.now += timedelta(**much)

    async def post(
        self, path: str, body: dict[str, Any], address: str = "203.0.113.5", **headers: str
    ) -> httpx.Response:
        """Send something without any credential, as the gateway passes it on."""
        sent = {"X-Forwarded-For": address, **headers}
        return await self.served.client.post(f"/api/v1{path}", json=body, headers=sent)

    async def register(self, email: str = "ana@example.com", **more: Any) -> dict[str, Any]:
        """Register somebody; return the answer."""
        body = {"name": "Ana Lima", "email": email, "password": PASSWORD, **more}
        answer = await self.post("/auth/register", body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def log_in(self, email: str = "ana@example.com", password: str = PASSWORD, **more: Any) -> httpx.Response:
        """Sign in."""
        return await self.post("/auth/login", {"email": email, "password": password}, **more)

    def owner(self, registered: dict[str, Any], **more: Any) -> Caller:
        """Return the caller that the gateway makes of a registration's access token."""
        return replace(
            a_caller(registered["tenant_id"], registered["default_project_id"], owner=True),
            subject=registered["user_id"],
            **more,
        )

    async def resolve(self, api_key: str) -> httpx.Response:
        """Ask who calls with a key, as the gateway does."""
        key_hash = hashlib.sha256(api_key.encode()).hexdigest()
        return await self.served.ask(THE_GATEWAY, "POST", "/internal/api-keys/resolve", json={"key_hash": key_hash})

    async def holder(self, api_key: str) -> Caller:
        """Return the caller that the gateway makes of a key."""
        answer = await self.resolve(api_key)
        assert answer.status_code == 200, answer.text
        facts = answer.json()
        return a_caller(
            facts["tenant_id"],
            facts["project_id"],
            subject=facts["credential_id"],
            subject_kind="api_key",
            credential_id=facts["credential_id"],
            role=facts["role"],
            owner=facts["owner"],
            permissions=frozenset(facts["permissions"]),
            agent_id=facts["agent_id"],
        )

    async def hear(self, tenant_id: str, project_id: str, data: Any) -> None:
        """Let the service hear an event of another."""
        event = first_event(
            data,
            id=new_id(),
            source="channel-gateway",
            subject=project_id,
            time=self.now,
            tenant_id=tenant_id,
            project_id=project_id,
            partition_key=project_id,
            correlation_id=new_id(),
            actor="system:channel-gateway",
        )
        (heard,) = [
            each for each in self.served.blueprint.subscriptions if each.consumer == "_".join(data.TYPE.split(".")[:2])
        ]
        async with self.served.parts.works.begin([tenant_id]) as work:
            await heard.handle([event], work)

    async def mails(self) -> list[EmailMessage]:
        """Send what is to be mailed; return what has not been looked at yet, the oldest first."""
        (mailing,) = [role for _, role in self.served.blueprint.roles if isinstance(role, Mailing)]
        while await mailing.send_next():
            pass
        found = []
        for file in sorted(self.outbox.glob("*.eml")):
            found.append(message_from_bytes(file.read_bytes(), policy=default))
            file.unlink()
        return found

    async def invited(self, by: Caller, email: str, role: str = "agent", **more: Any) -> tuple[str, str]:
        """Invite somebody; return the id that they will have as a member, and the token of their mail."""
        path, body = f"/crm/projects/{by.project_id}/members", {"email": email, "role": role, **more}
        answer = await self.served.ask(by, "POST", path, json=body)
        assert answer.status_code == 201, answer.text
        mails = {each["To"]: each for each in await self.mails()}
        found = re.search(r"/accept-invitation#token=([A-Za-z0-9_-]{43})", mails[email].get_content())
        assert found is not None
        return answer.json()["id"], found[1]

    async def accept(self, token: str, caller: Caller | None = None, **more: Any) -> httpx.Response:
        """Accept an invitation as somebody new, or as whoever is signed in."""
        body = {"token": token, **({} if caller else {"name": "Bia Nunes", "password": PASSWORD}), **more}
        headers = {} if caller is None else self.served.headers(caller)
        return await self.post("/auth/invitations/accept", body, **headers)

    async def joined(self, by: Caller, email: str, role: str = "agent", **more: Any) -> tuple[str, Caller]:
        """Let somebody new join the project of whoever invites; return their id there, and the caller that they are."""
        member_id, token = await self.invited(by, email, role, **more)
        answer = await self.accept(token)
        assert answer.status_code == 200, answer.text
        claims = self.claims(answer.json())
        caller = a_caller(claims["tid"], by.project_id, role=role, subject=claims["sub"], credential_id=claims["sid"])
        return member_id, caller

    async def made_agent(self, by: Caller, **wanted: Any) -> dict[str, Any]:
        """Make an agent, a bot unless something else is wanted; return it."""
        body = {"name": "Greeter", "type": "bot", "role": "channel_bot", **wanted}
        answer = await self.served.ask(by, "POST", "/crm/agents", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def agents(self, by: Caller, query: str = "") -> list[dict[str, Any]]:
        """Return the agents that somebody sees."""
        answer = await self.served.ask(by, "GET", f"/crm/agents{query}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    async def agent_of(self, by: Caller, user_id: str) -> dict[str, Any]:
        """Return the agent that a person is."""
        (found,) = [each for each in await self.agents(by, "?type=human") if each["user_id"] == user_id]
        return found

    def claims(self, tokens: dict[str, Any]) -> dict[str, Any]:
        """Return what an access token says."""
        body = tokens["access_token"].split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return claims

    async def rows(self, table: str) -> int:
        """Count the rows of a table, from above all walls."""
        count: int = await self.served.administrator.fetchval(f"select count(*) from identity.{table}")
        return count

    async def said(self) -> list[str]:
        """Return the types of all events that were said."""
        return [event.type for event in await self.served.said()]


@pytest_asyncio.fixture
async def house(database_of: DatabaseOf, tmp_path: Path) -> AsyncIterator[House]:
    """The service on a fresh database."""
    waits: list[House] = []

    async def wait(seconds: float) -> None:
        await waits[0].wait(seconds)

    outbox = tmp_path / "mail"
    built = partial(build, variables={**VARIABLES, "MAIL_OUTBOX": str(outbox)}, wait=wait)
    async with serving(await database_of("identity", "identity"), built) as served:
        made = House(served, outbox=outbox)
        waits.append(made)
        served.parts.works.clock = lambda: made.now
        yield made
