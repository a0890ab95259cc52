"""The product's one document: merged without loss, complete, and the same whoever makes it."""

import json
import os
from pathlib import Path
from typing import Any

import openapi
import pytest
from runtime.documents import document_of
from runtime.parts import Parts
from runtime.service import Blueprint
from web.bodies import Answer
from web.routes import Routes

ROOT = Path(openapi.__file__).resolve().parents[1]


class Thing(Answer):
    name: str


def things() -> Routes:
    routes = Routes("things")

    @routes.get("/things", permission="contacts.view", role="supervisor")
    async def get_thing() -> Thing:
        return Thing(name="")

    @routes.get("/things/hidden", permission="self", in_documents=False)
    async def hidden() -> Thing:
        return Thing(name="")

    return routes


def described(service: str, schema: dict[str, Any], path: str) -> dict[str, Any]:
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Outer"}}}}
    operation = {"x-service": service, "x-permission": "self", "responses": {"200": answer}, "operationId": service}
    outer = {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/Inner"}}}
    return {"paths": {path: {"get": operation}}, "components": {"schemas": {"Outer": outer, "Inner": schema}}}


def test_a_service_is_described_without_any_server_and_says_who_may_call_it() -> None:
    async def build(parts: Parts) -> Blueprint:
        async with parts.database.connection() as connection:
            assert await connection.fetch("select 1") == []
        return Blueprint(routes=[things()])

    document, plain = document_of("contact", build)
    operation = document["paths"]["/api/v1/things"]["get"]
    assert (operation["x-service"], operation["x-permission"], operation["x-role"]) == (
        "contact",
        "contacts.view",
        "supervisor",
    )
    assert "/api/v1/things/hidden" not in document["paths"]
    assert plain == []


def test_the_callers_environment_neither_shows_nor_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    async def build(_: Parts) -> Blueprint:
        seen.append(os.environ.get("DATABASE_URL_FILE"))
        return Blueprint()

    monkeypatch.setenv("DATABASE_URL_FILE", "/nowhere")
    before = dict(os.environ)
    document_of("contact", build)
    assert seen == [None]
    assert dict(os.environ) == before


def test_a_plain_route_that_nobody_described_stops_the_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "services/contact/src/toy_contact_of_a_test"
    package.mkdir(parents=True)
    (package / "bootstrap.py").write_text(
        "from runtime.service import Blueprint\n"
        "from starlette.responses import Response\n"
        "from web.routes import Routes\n"
        "async def build(parts):\n"
        "    routes = Routes()\n"
        "    @routes.plain('GET', '/raw', permission='public')\n"
        "    async def raw(_):\n"
        "        return Response()\n"
        "    return Blueprint(routes=[routes])\n"
    )
    monkeypatch.syspath_prepend(str(package.parent))
    with pytest.raises(openapi.UndescribedRouteError, match="GET /api/v1/raw of contact is a plain route"):
        dict(openapi.files(tmp_path))


def test_schemas_of_one_name_and_one_meaning_are_one() -> None:
    text = {"type": "string"}
    merged = openapi.merged({"contact": described("contact", text, "/a"), "session": described("session", text, "/b")})
    assert set(merged["components"]["schemas"]) == {"Outer", "Inner"}


def test_schemas_of_one_name_and_two_meanings_get_their_services_names() -> None:
    documents = {
        "contact": described("contact", {"type": "string"}, "/a"),
        "channel-gateway": described("channel-gateway", {"type": "integer"}, "/b"),
    }
    schemas = openapi.merged(documents)["components"]["schemas"]
    # The outer ones look alike, and mean two things.
    assert set(schemas) == {"ContactOuter", "ContactInner", "ChannelGatewayOuter", "ChannelGatewayInner"}
    inner = schemas["ChannelGatewayOuter"]["properties"]["inner"]
    assert schemas[inner["$ref"].rpartition("/")[2]] == {"type": "integer"}


def test_one_address_of_two_services_is_an_error() -> None:
    documents = {service: described(service, {"type": "string"}, "/a") for service in ("contact", "session")}
    with pytest.raises(openapi.UndescribedRouteError, match="GET /a is served by contact and session"):
        openapi.merged(documents)


def test_the_document_is_the_same_each_time_and_publishes_nothing_internal() -> None:
    first, second = (dict(openapi.files(ROOT)) for _ in range(2))
    assert first == second
    (document,) = (json.loads(text) for text in first.values())
    assert list(document["paths"]) == sorted(document["paths"])
    assert not [path for path in document["paths"] if "/internal/" in path]
    assert "/api/v1/webhooks/{webhook_id}" in document["paths"]
