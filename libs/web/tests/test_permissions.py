"""Who may call what, and that no route forgets to say so."""

import subprocess
import sys

import pytest
from fastapi import APIRouter
from kernel.errors import DomainError
from kernel.ids import new_id
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route
from web.app import refuse_undeclared
from web.bodies import Answer
from web.caller import Requirement
from web.permissions import ALIASES, PERMISSIONS, ROLES, permissions_of, role_named
from web.routes import Routes, UndeclaredRouteError
from web.works import Work


def test_the_table_has_its_counts() -> None:
    assert len(PERMISSIONS) == 23
    counts = [len(permissions_of(role)) for role in ("admin", "supervisor", "agent", "viewer")]
    assert [len(permissions_of("viewer", owner=True)), *counts] == [23, 21, 18, 11, 10]


def test_roles_have_other_names_on_input_only() -> None:
    assert {name: role_named(name) for name in ALIASES} == {
        "manager": "supervisor",
        "user": "agent",
        "readonly": "viewer",
    }
    assert permissions_of("manager") == ROLES["supervisor"]
    assert role_named("root") is None


@pytest.mark.parametrize(
    ("permission", "role", "allowed"),
    [
        ("contacts.view", None, "viewer agent supervisor admin owner"),
        ("contacts.manage", None, "agent supervisor admin owner"),
        ("contacts.manage", "supervisor", "supervisor admin owner"),
        ("contacts.manage", "admin", "admin owner"),
        ("settings.view", None, "viewer supervisor admin owner"),
        ("settings.manage", None, "admin owner"),
        ("billing.view", None, "owner"),
        ("self", None, "viewer agent supervisor admin owner"),
        ("owner", None, "owner"),
        ("operator", None, "operator"),
        ("public", None, "nobody viewer agent supervisor admin owner operator"),
    ],
)
async def test_each_caller_gets_what_the_table_says(make_toy, caller_with, permission, role, allowed) -> None:
    routes = Routes()

    @routes.post("/it", permission=permission, role=role)
    async def it() -> Answer:
        return Answer()

    toy = make_toy(routes)
    callers = {
        "nobody": None,
        **{name: caller_with(name) for name in ROLES},
        "owner": caller_with("admin", owner=True),
        "operator": caller_with("admin", subject_kind="operator", owner=True),
    }
    for name, caller in callers.items():
        async with toy.client(caller) as client:
            answer = await client.post("/api/v1/it", content=b"not json")
        if name in allowed.split():
            assert answer.status_code in (200, 415), name  # past the door: now the body is looked at
            continue
        assert answer.status_code == (401 if caller is None else 403), name
        if caller is not None:
            required = permission + (f" ({role})" if role else "")
            assert (answer.json()["code"], answer.json()["required"]) == ("permission_denied", required)


def test_a_narrowed_key_passes_only_where_its_permission_is_asked_for(caller_with) -> None:
    key = caller_with("admin", permissions=frozenset(("contacts.view",)))
    Requirement("contacts.view").check(key)
    for permission in PERMISSIONS - {"contacts.view"}:
        with pytest.raises(DomainError):
            Requirement(permission).check(key)


async def plain(_: object) -> Response:
    return Response()


def forgetful() -> Routes:
    routes = Routes()
    routes.get("/forgotten")(plain)
    return routes


def test_a_route_without_a_permission_is_refused_where_it_is_written() -> None:
    with pytest.raises(UndeclaredRouteError, match="GET /forgotten declares no permission"):
        forgetful()


@pytest.mark.parametrize("permission", ["", "everybody", "contacts.veiw", "admin"])
def test_a_permission_that_does_not_exist_is_refused(permission) -> None:
    with pytest.raises(UndeclaredRouteError, match="neither a permission nor a marker"):
        Routes().get("/it", permission=permission)
    with pytest.raises(UndeclaredRouteError, match="does not exist"):
        Routes().get("/it", permission="self", role="boss")
    with pytest.raises(UndeclaredRouteError, match="does not exist"):
        Routes().get("/it", permission="self", rate="cheap")


def test_no_route_gets_in_by_the_side(make_toy) -> None:
    router = APIRouter()
    router.add_api_route("/side", plain)
    for sneaky in (Route("/side", plain), Mount("/side", Starlette(routes=[Route("/in", plain)]))):
        with pytest.raises(UndeclaredRouteError, match=r"GET /(side|in) declares no permission"):
            make_toy(sneaky)
    toy = make_toy()
    toy.app.include_router(router)
    with pytest.raises(UndeclaredRouteError, match="GET /side"):
        refuse_undeclared(toy.app)


def test_a_route_twice_is_refused(make_toy) -> None:
    routes = Routes()
    routes.plain("GET", "/it", permission="self")(plain)
    routes.plain("GET", "/it", permission="public")(plain)
    with pytest.raises(UndeclaredRouteError, match="declared twice"):
        make_toy(routes)


def test_a_route_that_cannot_be_served_stops_the_start(make_toy) -> None:
    routes = Routes()

    @routes.post("/it", permission="self")
    async def it(work: Work) -> Answer:
        return Answer()

    with pytest.raises(UndeclaredRouteError, match="was given no works"):
        make_toy(routes)


def test_a_public_route_that_writes_says_for_whom(make_toy, toy_works) -> None:
    routes = Routes()

    @routes.post("/it", permission="public", object_type="it")
    async def it(work: Work) -> Answer:
        return Answer()

    with pytest.raises(UndeclaredRouteError, match="declare its scope"):
        make_toy(routes, works=toy_works)


def test_a_route_that_shows_a_secret_needs_a_key_to_keep_it_with(make_toy, toy_works) -> None:
    routes = Routes()

    @routes.post("/it", permission="self", secret_answer=True, object_type="it")
    async def it(work: Work) -> Answer:
        return Answer()

    with pytest.raises(UndeclaredRouteError, match="no sealing key"):
        make_toy(routes, works=toy_works)
    make_toy(routes, works=toy_works, sealing_key=b"k" * 32)


def test_an_undeclared_route_ends_the_process_with_one_sentence() -> None:
    code = (
        "from starlette.routing import Route\nfrom starlette.responses import Response\nfrom web.app import create_app\n"
        "create_app(service='toy', version='1', routes=[Route('/forgotten', lambda r: Response())], tokens=None)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    assert "GET /forgotten declares no permission: say in its Routes who may call it" in ended.stderr.splitlines()[-1]


async def test_the_documents_say_who_may_call(make_toy) -> None:
    routes = Routes()

    @routes.delete("/toys/{toy_id}", permission="contacts.manage", role="supervisor")
    async def delete_toy(toy_id: str) -> None: ...

    @routes.post("/toys", permission="contacts.manage")
    async def make(name: str) -> Answer:
        return Answer()

    async with make_toy(routes, docs=True).client() as client:
        document = (await client.get("/openapi.json")).json()
    deletion, creation = document["paths"]["/api/v1/toys/{toy_id}"]["delete"], document["paths"]["/api/v1/toys"]["post"]
    assert (deletion["x-permission"], deletion["x-role"], deletion["x-service"]) == (
        "contacts.manage",
        "supervisor",
        "toy",
    )
    assert "x-role" not in creation
    assert "422" not in creation["responses"]
    assert "application/problem+json" in creation["responses"]["default"]["content"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in creation["parameters"]]
    async with make_toy(routes).client() as client:
        assert (await client.get("/openapi.json")).status_code == 404


async def test_a_plain_route_stands_behind_the_same_door(make_toy, caller_with) -> None:
    routes = Routes()
    routes.plain("POST", "/hook/{hook_id}", permission="contacts.manage")(plain)
    toy = make_toy(routes)
    for caller, status in ((None, 401), (caller_with("viewer"), 403), (caller_with(), 200)):
        async with toy.client(caller) as client:
            assert (await client.post(f"/api/v1/hook/{new_id()}", content=b"anything")).status_code == status
