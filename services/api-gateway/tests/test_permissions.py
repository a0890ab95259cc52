"""Who may call what: every operation of the product's document, asked by everybody."""

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from api_gateway import __main__ as command
from api_gateway.bootstrap import build
from api_gateway.operations import DocumentError, load_document, operations_of
from api_gateway.routes import RoutingTable
from api_gateway.settings import SERVICES
from gateway_toys import (
    INTERNAL_KEY,
    NOWHERE,
    PROJECT,
    Echo,
    Running,
    ToyIdentity,
    running_gateway,
    settings_of,
    signed_in,
    toy_document,
)
from kernel.ids import new_id
from testkit.eventually import eventually
from web.permissions import permissions_of

DOCUMENT = load_document()
OPERATIONS = operations_of(DOCUMENT, dict.fromkeys(SERVICES))
WHO = ("nobody", "viewer", "agent", "supervisor", "admin", "owner")
ALL, WORKERS, LEADERS, ADMINS, OWNERS = WHO[1:], WHO[2:], WHO[3:], WHO[4:], WHO[5:]

PUBLIC = {
    "GET /.well-known/jwks.json",
    "GET /api/v1/auth/info",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/password/forgot",
    "POST /api/v1/auth/password/reset",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/register",
    "GET /api/v1/webhooks/info",
    "POST /api/v1/webhooks/{webhook_id}",
    "GET /health",
    "GET /health/database",
    "GET /health/migrations",
    "GET /health/rabbitmq",
    "GET /health/redis",
    "GET /health/temporal",
    "GET /live",
    "GET /ready",
}
"""A closed list. Whoever adds to it opens the product to strangers."""

WHO_MAY = {
    "GET /api/v1/crm/contacts": ALL,
    "POST /api/v1/crm/contacts": WORKERS,
    "GET /api/v1/crm/contacts/{contact_id}": ALL,
    "PATCH /api/v1/crm/contacts/{contact_id}": WORKERS,
    "DELETE /api/v1/crm/contacts/{contact_id}": LEADERS,
    "GET /api/v1/crm/contacts/search": ALL,
    "POST /api/v1/crm/contacts/bulk-tags": WORKERS,
    "PUT /api/v1/crm/contacts/{contact_id}/tags/{tag}": WORKERS,
    "DELETE /api/v1/crm/contacts/{contact_id}/tags/{tag}": WORKERS,
    "GET /api/v1/crm/tags": ALL,
    "GET /api/v1/crm/custom-fields": ALL,
    "POST /api/v1/crm/custom-fields": LEADERS,
    "PATCH /api/v1/crm/custom-fields/{key}": LEADERS,
    "DELETE /api/v1/crm/custom-fields/{key}": ADMINS,
    "PUT /api/v1/crm/contacts/{contact_id}/custom-fields/{key}": WORKERS,
    "DELETE /api/v1/crm/contacts/{contact_id}/custom-fields/{key}": WORKERS,
    "GET /api/v1/crm/channels": ALL,
    "POST /api/v1/crm/channels": ADMINS,
    "GET /api/v1/crm/channels/{channel_id}": ALL,
    "GET /api/v1/crm/channels/{channel_id}/status": ALL,
    "POST /api/v1/crm/channels/{channel_id}/activate": ADMINS,
    "POST /api/v1/crm/channels/{channel_id}/deactivate": ADMINS,
    "POST /api/v1/crm/channels/{channel_id}/configure-webhook": ADMINS,
    "GET /api/v1/crm/channels/{channel_id}/sends": ADMINS,
    "GET /api/v1/crm/channels/{channel_id}/webhook-url": ALL,
    "GET /api/v1/crm/channels/{channel_id}/deliveries": ADMINS,
    "PATCH /api/v1/crm/channels/{channel_id}": ADMINS,
    "DELETE /api/v1/crm/channels/{channel_id}": ADMINS,
    "GET /api/v1/crm/sessions": ALL,
    "GET /api/v1/crm/sessions/{session_id}": ALL,
    "POST /api/v1/crm/sessions/{session_id}/close": WORKERS,
    "GET /api/v1/crm/chats": ALL,
    "GET /api/v1/crm/chats/{chat_id}": ALL,
    "GET /api/v1/crm/messages": ALL,
    "GET /api/v1/crm/messages/{message_id}": ALL,
    "POST /api/v1/crm/messages": WORKERS,
    "GET /api/v1/crm/messages/{message_id}/history": ALL,
    "POST /api/v1/crm/messages/{message_id}/retry": WORKERS,
    "POST /api/v1/crm/messages/{message_id}/cancel": WORKERS,
    "POST /api/v1/crm/messages/{message_id}/mark-delivered": WORKERS,
    "GET /api/v1/crm/pipelines": ALL,
    "POST /api/v1/crm/pipelines": LEADERS,
    "GET /api/v1/crm/pipelines/search": ALL,
    "GET /api/v1/crm/pipelines/{pipeline_id}": ALL,
    "PATCH /api/v1/crm/pipelines/{pipeline_id}": LEADERS,
    "DELETE /api/v1/crm/pipelines/{pipeline_id}": ADMINS,
    "GET /api/v1/crm/pipelines/{pipeline_id}/stats": ("viewer", *LEADERS),
    "GET /api/v1/crm/pipelines/{pipeline_id}/contacts": ALL,
    "POST /api/v1/crm/pipelines/{pipeline_id}/contacts/move": WORKERS,
    "POST /api/v1/crm/pipelines/{pipeline_id}/statuses": LEADERS,
    "PUT /api/v1/crm/pipelines/{pipeline_id}/statuses/order": LEADERS,
    "PATCH /api/v1/crm/pipelines/{pipeline_id}/statuses/{status_id}": LEADERS,
    "DELETE /api/v1/crm/pipelines/{pipeline_id}/statuses/{status_id}": ADMINS,
    "GET /api/v1/crm/contacts/{contact_id}/pipeline-status": ALL,
    "PATCH /api/v1/crm/contacts/{contact_id}/pipeline-status": WORKERS,
    "DELETE /api/v1/crm/contacts/{contact_id}/pipeline-status": WORKERS,
    "GET /api/v1/crm/contacts/{contact_id}/pipeline-history": ALL,
    "GET /api/v1/automation/rules": ALL,
    "POST /api/v1/automation/rules": LEADERS,
    "POST /api/v1/automation/rules/reorder": LEADERS,
    "GET /api/v1/automation/rules/{rule_id}": ALL,
    "PATCH /api/v1/automation/rules/{rule_id}": LEADERS,
    "DELETE /api/v1/automation/rules/{rule_id}": ADMINS,
    "POST /api/v1/automation/rules/{rule_id}/enable": LEADERS,
    "POST /api/v1/automation/rules/{rule_id}/disable": LEADERS,
    "POST /api/v1/automation/rules/{rule_id}/duplicate": LEADERS,
    "POST /api/v1/automation/rules/{rule_id}/test": LEADERS,
    "POST /api/v1/automation/rules/{rule_id}/dry-run": LEADERS,
    "GET /api/v1/automation/rules/{rule_id}/executions": ALL,
    "GET /api/v1/billing/usage": OWNERS,
    "GET /api/v1/billing/accounts": OWNERS,
    "GET /api/v1/billing/accounts/{account_id}": OWNERS,
    "GET /health/circuit-breakers": (),
}
"""Section 4 of the rules, written down a second time by hand."""


def rules() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for one in OPERATIONS:
        name = f"{one.method} {one.path}"
        if name in PUBLIC:
            yield one.method, one.path, WHO
        elif one.path.startswith("/api/v1/parked-events"):
            yield one.method, one.path, ADMINS
        elif one.path.startswith("/api/v1/auth/"):
            yield one.method, one.path, ALL
        elif name in WHO_MAY:
            yield one.method, one.path, WHO_MAY[name]


def test_the_public_operations_are_a_closed_list() -> None:
    found = {f"{one.method} {one.path}" for one in OPERATIONS if one.requirement.permission == "public"}
    assert found == PUBLIC


def test_every_operation_is_in_the_rules() -> None:
    ruled = {(method, path) for method, path, _ in rules()}
    assert [f"{one.method} {one.path}" for one in OPERATIONS if (one.method, one.path) not in ruled] == []


async def test_every_operation_lets_in_whom_it_should_and_nobody_else(
    services: dict[str, str], identity: ToyIdentity, echo: Echo
) -> None:
    # All answer through the same echo, so that only the gateway can refuse.
    addresses = dict.fromkeys(services, services["messaging"]) | {"identity": services["identity"]}
    document = copy.deepcopy(DOCUMENT)
    for item in document["paths"].values():
        for each in item.values():
            each["x-service"] = "messaging" if each["x-service"] == "identity" else each["x-service"]
    wrong = []
    async with running_gateway(addresses, document=document) as gateway:
        await eventually(lambda: gateway.built.reader.complete and gateway.built.keys.known)
        for method, path, allowed in rules():
            for who in WHO:
                answer = await _ask(gateway, method, path, who)
                passed = answer.status_code not in (401, 403)
                if passed is not (who in allowed) or (
                    not passed and (answer.status_code == 401) is not (who == "nobody")
                ):
                    wrong.append(f"{method} {path} by {who}: {answer.status_code}")
    assert wrong == []


async def test_a_synonym_lets_in_the_same_people(services: dict[str, str], identity: ToyIdentity, echo: Echo) -> None:
    addresses = dict.fromkeys(services, services["messaging"]) | {"identity": services["identity"]}
    table = RoutingTable(OPERATIONS)
    synonyms = [route for route in table.routes if route.synonym and route.operation.service != "identity"]
    assert synonyms
    async with running_gateway(addresses, document=DOCUMENT) as gateway:
        await eventually(lambda: gateway.built.reader.complete and gateway.built.keys.known)
        for route in synonyms:
            if route.synonym and route.synonym.must_match:
                continue  # answered only for the one object
            for who in WHO:
                own, canonical = [
                    await _ask(gateway, route.operation.method, path, who)
                    for path in (route.path, route.operation.path)
                ]
                assert own.status_code == canonical.status_code, (route.path, who)


async def _ask(gateway: Running, method: str, path: str, who: str) -> httpx.Response:
    address = "/".join(new_id() if part.startswith("{") else part for part in path.split("/"))
    headers = {} if who == "nobody" else _headers_of(who)
    return await gateway.client.request(method, address, headers=headers)


def _headers_of(who: str) -> dict[str, str]:
    return signed_in(own=who == "owner", prj={PROJECT: "admin" if who == "owner" else who})


async def test_a_role_that_nobody_knows_may_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/crm/contacts", headers=signed_in(prj={PROJECT: "emperor"}))
    assert answer.status_code == 403


async def test_an_alias_of_a_role_is_that_role(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/api/v1/crm/contacts/{new_id()}", headers=signed_in(prj={PROJECT: "manager"}))
    assert answer.json()["permissions"] == sorted(permissions_of("supervisor"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x-permission": None}, "GET /api/v1/crm/contacts declares no permission"),
        ({"x-permission": "contacts.admire"}, "declares 'contacts.admire', which is neither a permission nor a marker"),
        ({"x-role": "emperor"}, "asks for the role 'emperor', which does not exist"),
        ({"x-service": None}, "does not say which service answers it"),
        ({"x-service": "weather"}, "is answered by 'weather', whose address is not known"),
        ({"x-service": "api-gateway"}, "GET /api/v1/crm/contacts is the gateway's, which has no answer to it"),
    ],
)
def test_the_gateway_does_not_start_on_a_document_that_leaves_anything_open(
    change: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = toy_document()
    operation = document["paths"]["/api/v1/crm/contacts"]["get"]
    operation.update(change)
    operation = {name: value for name, value in operation.items() if value is not None}
    document["paths"]["/api/v1/crm/contacts"]["get"] = operation
    with pytest.raises(DocumentError, match=sentence):
        build(settings_of(dict.fromkeys(SERVICES, "http://127.0.0.1:1")), document)
    monkeypatch.setattr(command, "load_document", lambda: document)
    for name, value in _environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=sentence) as ended:
        command.main(["run"])
    assert ended.value.code not in (0, None)


def test_a_missing_setting_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CONTACT_URL")
    monkeypatch.setenv("INTERNAL_TOKEN_PRIVATE_KEY", "not a key")
    with pytest.raises(SystemExit) as ended:
        command.main(["run"])
    assert "CONTACT_URL is required" in str(ended.value)
    assert "INTERNAL_TOKEN_PRIVATE_KEY must hold" in str(ended.value)


def _environment() -> dict[str, str]:
    addresses = {f"{service.upper().replace('-', '_')}_URL": "http://127.0.0.1:1" for service in SERVICES}
    return {
        **addresses,
        "ENV": "test",
        "RABBITMQ_URL": NOWHERE,
        "INTERNAL_TOKEN_PRIVATE_KEY": INTERNAL_KEY.as_pem(private=True).decode(),
        "LOG_LEVEL": "error",
    }
