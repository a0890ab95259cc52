"""The gateway as it runs, before small services that run too: on loopback ports, over real HTTP."""

import asyncio
import hashlib
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import httpx
from api_gateway.access_tokens import ALGORITHM, AUDIENCE, ONLY_EDDSA, TYPE
from api_gateway.bootstrap import Built, build
from api_gateway.settings import GatewaySettings, RateSettings
from contracts.topology import Topology
from fastapi import Query
from joserfc import jwt
from joserfc.jwk import OKPKey
from kernel.ids import new_id
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from testkit.eventually import eventually
from testkit.listening import free_port
from web.app import create_app
from web.bodies import Answer, Body, PathId
from web.caller import TheCaller
from web.health import Finding, Health
from web.internal_tokens import InternalTokens, public_part
from web.permissions import permissions_of
from web.routes import Routes
from web.server import HttpServer

BASE_URL = "https://api.example.test"
LOOPBACK = "127.0.0.1"
NOWHERE = "amqp://127.0.0.1:1/"

INTERNAL_KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
INTERNAL_JWKS = public_part(INTERNAL_KEY.as_dict(private=True))
SIGNING_KEY = OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True)

TENANT, USER, PROJECT, OTHER_PROJECT = new_id(), new_id(), new_id(), new_id()


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve an application on a free port; give its address."""
    port, stopping = free_port(), asyncio.Event()
    running = asyncio.create_task(HttpServer(app, LOOPBACK, port, "toy").run(stopping))
    try:
        await eventually(lambda: _answers(port), within_s=10)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        stopping.set()
        await asyncio.wait_for(running, 15)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOOPBACK, port)) == 0


def access_token(
    key: OKPKey = SIGNING_KEY, *, header: dict[str, Any] | None = None, life_s: float = 900, **claims: Any
) -> str:
    """Return a token as identity makes them, changed in whatever way a test wants."""
    now = int(time.time())
    told = {
        "iss": BASE_URL,
        "aud": AUDIENCE,
        "sub": USER,
        "tid": TENANT,
        "own": False,
        "prj": {PROJECT: "admin"},
        "agt": {},
        "dpr": PROJECT,
        "sid": new_id(),
        "jti": new_id(),
        "iat": now + min(0, int(life_s)) - (900 if life_s < 0 else 0),
        "exp": now + int(life_s),
    } | claims
    told = {name: value for name, value in told.items() if value is not None}
    head = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid} | (header or {})
    return jwt.encode(head, told, key, registry=ONLY_EDDSA)


def signed_in(**claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token(**claims)}"}


class ToyIdentity:
    """What the gateway asks of identity, with a memory of how often it was asked."""

    def __init__(self) -> None:
        self.keys = [SIGNING_KEY]
        self.holders: dict[str, dict[str, Any]] = {}
        self.refused: dict[str, str] = {}
        self.withdrawn: list[dict[str, Any]] = []
        self.asked = {"keys": 0, "resolve": 0, "withdrawals": 0}
        self.slowness_s = 0.0
        self.app = create_app(
            service="identity",
            version="0.0.0",
            routes=[self._routes()],
            tokens=InternalTokens("identity", INTERNAL_JWKS),
            health=Health("identity", "0.0.0", {"database": _healthy}),
        )

    def make_key(self, role: str = "admin", *, owner: bool = False, **changes: Any) -> str:
        """Return a new API key that opens PROJECT."""
        key = f"vk_{secrets.token_hex(4)}_{secrets.token_hex(32)}"
        place = {
            "project_id": PROJECT,
            "role": role,
            "owner": owner,
            "permissions": sorted(permissions_of(role, owner=owner)),
            "agent_id": None,
        }
        holder = {
            "tenant_id": TENANT,
            "user_id": USER,
            "credential_id": new_id(),
            "expires_at": None,
            **place,
            "projects": [place],
        }
        self.holders[hashlib.sha256(key.encode()).hexdigest()] = holder | changes
        return key

    def holder_of(self, key: str) -> dict[str, Any]:
        return self.holders[hashlib.sha256(key.encode()).hexdigest()]

    def _routes(self) -> Routes:
        routes = Routes()

        @routes.plain("GET", "/.well-known/jwks.json", permission="public", root=True)
        async def jwks(_: Request) -> Response:
            self.asked["keys"] += 1
            return JSONResponse(public_part(*(key.as_dict(private=True) for key in self.keys)))

        @routes.plain("POST", "/internal/api-keys/resolve", permission="self")
        async def resolve(request: Request) -> Response:
            self.asked["resolve"] += 1
            await asyncio.sleep(self.slowness_s)
            key_hash = (await request.json())["key_hash"]
            if key_hash in self.holders and key_hash not in self.refused:
                return JSONResponse(self.holders[key_hash])
            return JSONResponse({"code": "not_found", "reason": self.refused.get(key_hash, "unknown")}, 404)

        @routes.plain("GET", "/internal/withdrawals", permission="self")
        async def withdrawals(request: Request) -> Response:
            self.asked["withdrawals"] += 1
            return JSONResponse({"data": self.withdrawn, "has_more": False})

        @routes.get("/parked-events/identity/waiting", permission="settings.manage", in_documents=False)
        async def waiting(caller: TheCaller) -> dict[str, Any]:
            return {"service": "identity", "count": 2, "oldest_parked_at": "2026-01-02T03:04:05.678Z"}

        return routes


class ContactAnswer(Answer):
    id: str
    version: int
    asked_by: str
    role: str
    permissions: list[str]
    project_id: str | None
    contact_id: str


class NewContact(Body):
    name: str
    project_id: str | None = None


def toy_contact() -> Any:
    """A service as its author would write it, without a database."""
    routes = Routes("contacts")

    def answer(caller: Any, contact_id: str) -> ContactAnswer:
        return ContactAnswer(
            id=contact_id,
            version=7,
            asked_by=caller.subject,
            role=caller.role,
            permissions=sorted(caller.permissions),
            project_id=caller.project_id,
            contact_id=PROJECT,
        )

    @routes.get("/crm/contacts", permission="contacts.view")
    async def list_contacts(
        caller: TheCaller,
        limit: Annotated[int, Query()] = 20,
        sort: Annotated[str, Query()] = "",
        contact_id: Annotated[str, Query()] = "",
        project_id: Annotated[str, Query()] = "",
    ) -> dict[str, Any]:
        return {"data": [], "limit": limit, "sort": sort, "contact_id": contact_id, "project": caller.project_id}

    @routes.post("/crm/contacts", permission="contacts.manage", status=201)
    async def create_contact(body: NewContact, caller: TheCaller) -> ContactAnswer:
        return answer(caller, new_id())

    @routes.get("/crm/contacts/{contact_id}", permission="contacts.view")
    async def get_contact(contact_id: PathId, caller: TheCaller) -> ContactAnswer:
        return answer(caller, contact_id)

    @routes.patch("/crm/contacts/{contact_id}", permission="contacts.manage", put=False)
    async def change_contact(contact_id: PathId, body: NewContact, caller: TheCaller) -> ContactAnswer:
        return answer(caller, contact_id)

    @routes.delete("/crm/contacts/{contact_id}", permission="contacts.manage", role="supervisor")
    async def delete_contact(contact_id: PathId, caller: TheCaller) -> None:
        return None

    @routes.get("/crm/sessions/{session_id}", permission="sessions.view")
    async def get_session(session_id: PathId, caller: TheCaller) -> ContactAnswer:
        return answer(caller, session_id)

    return create_app(
        service="contact",
        version="0.0.0",
        routes=[routes],
        tokens=InternalTokens("contact", INTERNAL_JWKS),
        health=Health("contact", "0.0.0", {"database": _healthy}),
    )


@dataclass
class Heard:
    """One request as a service got it."""

    method: str
    target: str
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value.decode("latin-1") for each, value in self.headers if each == name.lower().encode()]


@dataclass
class Echo:
    """A bare ASGI application that remembers what it got and answers what it is told to."""

    heard: list[Heard] = field(default_factory=list)
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    answer: bytes = b'{"webhook_id":"hook"}'
    slowness_s: float = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        self.heard.append(Heard(scope["method"], target, list(scope["headers"]), body))
        await asyncio.sleep(self.slowness_s)
        head = [(b"content-type", b"application/json"), *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": head})
        await send({"type": "http.response.body", "body": self.answer})

    def clear(self) -> None:
        self.heard.clear()
        self.status, self.headers, self.answer, self.slowness_s = 200, [], b'{"webhook_id":"hook"}', 0.0


async def _healthy() -> Finding:
    return Finding()


def operation(service: str, permission: str | None, **more: Any) -> dict[str, Any]:
    found = {"operationId": f"{service}_{new_id()}", "x-service": service, "x-permission": permission, **more}
    return {name: value for name, value in found.items() if value is not None}


def toy_document() -> dict[str, Any]:
    """A document whose operations the toys answer."""
    in_query = {"parameters": [{"name": "project_id", "in": "query"}]}
    in_body = {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Toys", "version": "0.0.0"},
        "paths": {
            "/health": {"get": operation("api-gateway", "public")},
            "/live": {"get": operation("api-gateway", "public")},
            "/ready": {"get": operation("api-gateway", "public")},
            "/health/database": {"get": operation("api-gateway", "public")},
            "/health/rabbitmq": {"get": operation("api-gateway", "public")},
            "/health/redis": {"get": operation("api-gateway", "public")},
            "/health/circuit-breakers": {"get": operation("api-gateway", "operator")},
            "/api/v1/parked-events": {"get": operation("api-gateway", "settings.manage")},
            "/api/v1/auth/info": {"get": operation("messaging", "public")},
            "/api/v1/auth/login": {"post": operation("messaging", "public")},
            "/api/v1/auth/invitations/accept": {"post": operation("messaging", "public", **{"x-sign-in": "optional"})},
            "/api/v1/crm/projects/{project_id}/members": {"get": operation("messaging", "members.view")},
            "/api/v1/crm/contacts": {
                "get": operation("contact", "contacts.view", **in_query),
                "post": operation("contact", "contacts.manage", **in_body),
            },
            "/api/v1/crm/contacts/{contact_id}": {
                "get": operation("contact", "contacts.view"),
                "patch": operation("contact", "contacts.manage", **{"x-rate": "expensive"}),
                "delete": operation("contact", "contacts.manage", **{"x-role": "supervisor"}),
            },
            "/api/v1/crm/sessions": {"get": operation("session", "sessions.view")},
            "/api/v1/crm/sessions/{session_id}": {"get": operation("contact", "sessions.view")},
            "/api/v1/crm/messages": {
                "get": operation("messaging", "messages.view"),
                "post": operation("messaging", "messages.send"),
            },
            "/api/v1/webhooks/{webhook_id}": {"post": operation("channel-gateway", "public")},
        },
        "components": {"schemas": {"New": {"properties": {"name": {}, "project_id": {}}}}},
    }


GENEROUS = RateSettings(10_000, 60, 10_000, 60, 10_000, 60, 10_000, 60)


def settings_of(services: dict[str, str], **changes: Any) -> GatewaySettings:
    settings = GatewaySettings(
        env="test",
        version="1.2.3",
        instance="test",
        log_level="info",
        log_format="json",
        otlp_endpoint=None,
        trace_ratio=0.0,
        shutdown_grace_s=5,
        host=LOOPBACK,
        port=1,
        metrics_port=1,
        base_url=BASE_URL,
        services=services,
        rabbitmq_url=NOWHERE,
        internal_token_private_key=INTERNAL_KEY.as_pem(private=True).decode(),
        redis_url=None,
        docs=True,
        cors_origins=(),
        trusted_proxies=(),
        allowed_hosts=(),
        rates=GENEROUS,
        most_json_bytes=1024 * 1024,
        most_webhook_bytes=10 * 1024 * 1024,
        request_timeout_s=30,
    )
    return replace(settings, **changes)


@dataclass
class Running:
    """A gateway that runs."""

    built: Built
    client: httpx.AsyncClient


StartGateway = Callable[..., AbstractAsyncContextManager[Running]]


@asynccontextmanager
async def running_gateway(
    services: dict[str, str],
    *,
    document: dict[str, Any] | None = None,
    topology: Topology | None = None,
    hears: bool = False,
    **changes: Any,
) -> AsyncIterator[Running]:
    built = build(settings_of(services, **changes), document or toy_document(), topology)
    stopping = asyncio.Event()
    roles = [built.reader, *([built.hearing] if hears else [])]
    tasks = [asyncio.create_task(role.run(stopping)) for role in roles]
    try:
        async with serving(built.app) as url, httpx.AsyncClient(base_url=url, trust_env=False, timeout=40) as client:
            yield Running(built, client)
    finally:
        stopping.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
        await built.close()


def code_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(json.loads(answer.text)["code"])
