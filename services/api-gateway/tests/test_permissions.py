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
from who_may import PUBLIC, WHO, who_may

DOCUMENT = load_document()
OPERATIONS = operations_of(DOCUMENT, dict.fromkeys(SERVICES))


def rules() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for one in OPERATIONS:
        allowed = who_may(one.method, one.path)
        if allowed is not None:
            yield one.method, one.path, allowed


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
    # A path that names a project brings it: a strange one would not be found, whoever asks.
    parts = (part.replace("{project_id}", PROJECT) for part in path.split("/"))
    address = "/".join(new_id() if part.startswith("{") else part for part in parts)
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
    # It would hold for the whole process, and loggers used from then on would keep it: other tests read what is logged.
    monkeypatch.setattr(command, "configure_logging", lambda *_, **__: None)
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
