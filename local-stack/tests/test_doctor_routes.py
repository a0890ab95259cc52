"""The doctor and routes: one without a permission, one that answers strangers, at the gateway or behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from answering_as_told import Said, answering
from local_stack.doctor import routes
from local_stack.doctor.finding import Finding
from local_stack.process_table import SERVICES
from testkit.listening import free_port


@dataclass
class Stack:
    """As much of an instance as is looked at."""

    ports: dict[str, int] = field(default_factory=dict)
    name: str = "test-doctor"


def document(**more: Any) -> dict[str, Any]:
    listed = {"x-permission": "contacts.view", "x-service": "contact"}
    paths: dict[str, Any] = {
        "/health": {"get": {"x-permission": "public", "x-service": "api-gateway"}},
        "/contacts": {"get": listed, "post": {"x-permission": "contacts.manage", "x-service": "contact"}},
        "/contacts/{contact_id}": {"get": listed},
    }
    return {"paths": paths | more}


async def examined(at_gateway: Mapping[str, Said], at_contact: Mapping[str, Said]) -> Finding:
    def saying(told: Mapping[str, Said]) -> Any:
        def answer(method: str, path: str, _: object) -> Said:
            assert method == "GET", "what writes is never called"
            return told.get(path, Said(401))

        return answer

    with answering(saying(at_gateway)) as gateway, answering(saying(at_contact)) as contact:
        stack = Stack(dict.fromkeys((one.port for one in SERVICES), contact) | {"gateway": gateway})
        (found,) = await routes.examine(stack)  # type: ignore[arg-type]
    assert bool(found.repair) == (found.grade != "ok")
    return found


async def test_routes_that_refuse_strangers_are_counted() -> None:
    found = await examined({"/openapi.json": Said(body=document())}, {})
    assert (found.grade, found.told) == (
        "ok",
        "4 routes, 1 of them for everybody; 4 addresses refuse who does not sign in",
    )


async def test_a_route_without_a_permission_is_told() -> None:
    planted = document(**{"/planted": {"delete": {"x-service": "contact"}}})
    found = await examined({"/openapi.json": Said(body=planted)}, {})
    assert (found.grade, found.told) == ("FAIL", "without a permission: DELETE /planted")


@pytest.mark.parametrize("where", ["gateway", "contact"])
async def test_a_route_that_answers_strangers_is_told_wherever_it_does(where: str) -> None:
    open_ = {"/contacts": Said(200, [])}
    found = await examined(
        {"/openapi.json": Said(body=document())} | (open_ if where == "gateway" else {}),
        open_ if where == "contact" else {},
    )
    assert found.grade == "FAIL"
    assert found.told.endswith("/contacts: 200") and found.told.count("http") == 1


async def test_a_service_that_is_away_is_told_elsewhere() -> None:
    with answering(lambda _, path, __: Said(body=document()) if path == "/openapi.json" else Said(401)) as gateway:
        stack = Stack(dict.fromkeys((one.port for one in SERVICES), free_port()) | {"gateway": gateway})
        (found,) = await routes.examine(stack)  # type: ignore[arg-type]
    assert (found.grade, found.told.partition(" of them for ")[2]) == (
        "ok",
        "everybody; 2 addresses refuse who does not sign in",
    )


async def test_a_gateway_that_does_not_show_its_routes_is_told() -> None:
    assert (await examined({"/openapi.json": Said(404)}, {})).grade == "warn"
    assert (await examined({"/openapi.json": Said(200, "no document")}, {})).grade == "FAIL"
