"""Whatever writes leaves one entry in the audit log, in the transaction of what it wrote."""

import asyncio
import json
from typing import Any

import pytest
from contracts.audit.recorded_v1 import AuditRecordedV1
from kernel.errors import DomainError
from outbox.said import events_said
from outbox.work import UnitOfWork, Works
from starlette.responses import JSONResponse, Response
from web.auditing import MOST_VALUE_CHARACTERS, TheTrail
from web.bodies import Answer, Body, PathId
from web.caller import TheCaller
from web.routes import Routes, UndeclaredRouteError
from web.sharing import Share
from web.shown import shown_by
from web.works import Work

TOYS = "/api/v1/crm/toys"


async def entries(works: Works, *callers: Any) -> list[dict[str, Any]]:
    """Return what callers' tenants said to the audit log, each with its envelope's actor."""
    async with works.begin([caller.tenant_id for caller in callers]) as work:
        said = await events_said(work.connection, "toy", AuditRecordedV1.TYPE)
    return [{"changes": {}, **event["data"], "said_by": event["actor"]} for event in map(json.loads, said)]


async def test_what_is_made_changed_and_deleted_is_told_with_before_and_after(toy, toy_works, caller_with) -> None:
    caller = caller_with("supervisor")
    headers = {"user-agent": "curl/8", "x-forwarded-for": "10.0.0.1, 203.0.113.7"}

    async with toy.client(caller, **headers) as client:
        toy_id = (await client.post(TOYS, json={"name": "one", "price": 5})).json()["id"]
        await client.patch(f"{TOYS}/{toy_id}", json={"name": "two"})
        await client.put(f"{TOYS}/{toy_id}", json={"name": "two"})
        await client.delete(f"{TOYS}/{toy_id}")

    made, changed, unchanged, deleted = await entries(toy_works, caller)
    assert (made["action"], made["object_type"], made["object_id"]) == ("create_toy", "toy", toy_id)
    assert made["changes"] == {
        "name": {"from": None, "to": "one"},
        "kind": {"from": None, "to": "ball"},
        "price": {"from": None, "to": 5},
    }
    assert (changed["action"], changed["changes"]) == ("change_toy", {"name": {"from": "one", "to": "two"}})
    assert (unchanged["action"], unchanged["changes"]) == ("change_toy", {})
    assert deleted["changes"]["name"] == {"from": "two", "to": None}
    for each in (made, changed, unchanged, deleted):
        assert (each["actor_kind"], each["actor_id"]) == ("user", caller.subject)
        assert each["said_by"] == f"user:{caller.subject}"
        assert (each["ip"], each["user_agent"], each["object_id"]) == ("203.0.113.7", "curl/8", toy_id)
        assert each["request_id"] == caller.request_id


async def test_what_is_refused_leaves_nothing_and_what_is_repeated_leaves_one(toy, toy_works, caller_with) -> None:
    caller, viewer = caller_with(), caller_with("viewer")

    async with toy.client(caller) as client:
        first = await client.post(TOYS, json={"name": "one"}, headers={"Idempotency-Key": "k"})
        again = await client.post(TOYS, json={"name": "one"}, headers={"Idempotency-Key": "k"})
        taken = await client.post(TOYS, json={"name": "one"}, headers={"Idempotency-Key": "other"})
        stale = await client.patch(f"{TOYS}/{first.json()['id']}", json={"name": "x"}, headers={"If-Match": '"9"'})
        shape = await client.post(TOYS, json={"nme": "two"})
        absent = await client.patch(f"{TOYS}/{caller.tenant_id}", json={"name": "x"})
    async with toy.client(viewer) as client:
        refused = await client.post(TOYS, json={"name": "two"})

    statuses = [each.status_code for each in (first, again, taken, stale, shape, absent, refused)]
    assert statuses == [201, 201, 409, 412, 400, 404, 403]
    assert [each["action"] for each in await entries(toy_works, caller)] == ["create_toy"]
    assert await entries(toy_works, viewer) == []


async def test_two_that_met_leave_one_entry_each(toy, toy_works, caller_with) -> None:
    caller = caller_with()
    async with toy.client(caller) as client:
        toy_id = (await client.post(TOYS, json={"name": "one"})).json()["id"]
        answers = await asyncio.gather(
            *(client.patch(f"{TOYS}/{toy_id}", json={"price": number}) for number in range(10))
        )
    assert {each.status_code for each in answers} == {200}
    found = [each for each in await entries(toy_works, caller) if each["action"] == "change_toy"]
    assert len(found) == 10


class Wanted(Body):
    name: str = ""


class Shelf(Answer):
    audited = ("label",)

    id: str
    label: str
    key: str


def shelf_routes(works: Works | None) -> Routes:
    """Shelves are kept nowhere; their label is long, and their key is a secret."""
    routes = Routes()

    @routes.get("/shelves/{shelf_id}", permission="self")
    async def get_shelf(shelf_id: PathId) -> Shelf:
        return Shelf(id=shelf_id, label="old", key="secret-of-get")

    @routes.post("/shelves/{shelf_id}/paint", permission="self")
    async def paint_shelf(shelf_id: PathId, work: Work) -> Shelf:
        return Shelf(id=shelf_id, label="é" * 10_000, key="secret-of-paint")

    @routes.post("/shelves/{shelf_id}/move", permission="self")
    async def move_shelf(shelf_id: PathId, caller: TheCaller, trail: TheTrail) -> Answer:
        assert works is not None
        async with works.begin([caller.tenant_id], caller.projects) as work, trail.around(work):
            trail.changed("room", "kitchen", "hall")
        return Answer()

    @routes.post("/shelves/{shelf_id}/forget", permission="self")
    async def forget_shelf(shelf_id: PathId) -> Answer:
        return Answer()

    @routes.post("/shelves/{shelf_id}/burn", permission="self")
    async def burn_shelf(shelf_id: PathId, work: Work) -> Response:
        return JSONResponse({}, 401)

    return routes


async def test_only_fields_on_the_list_are_told_and_long_values_are_cut(make_toy, toy_works, caller_with) -> None:
    caller = caller_with()
    async with make_toy(shelf_routes(toy_works), works=toy_works).client(caller) as client:
        assert (await client.post(f"/api/v1/shelves/{caller.tenant_id}/paint")).status_code == 200

    (entry,) = await entries(toy_works, caller)
    assert (entry["action"], entry["object_type"], entry["object_id"]) == ("paint_shelf", "shelf", caller.tenant_id)
    assert entry["changes"].keys() == {"label"}
    assert entry["changes"]["label"]["from"] == "old"
    assert entry["changes"]["label"]["to"] == '"' + "é" * (MOST_VALUE_CHARACTERS - 1) + "…"
    assert "secret" not in str(entry)


async def test_a_handler_says_where_its_own_transaction_writes(make_toy, toy_works, caller_with) -> None:
    caller = caller_with()
    async with make_toy(shelf_routes(toy_works), works=toy_works).client(caller) as client:
        moved = await client.post(f"/api/v1/shelves/{caller.tenant_id}/move")
        forgotten = await client.post(f"/api/v1/shelves/{caller.tenant_id}/forget")
        burnt = await client.post(f"/api/v1/shelves/{caller.tenant_id}/burn")

    assert [each.status_code for each in (moved, forgotten, burnt)] == [200, 500, 401]
    (entry,) = await entries(toy_works, caller)
    assert (entry["action"], entry["changes"]) == ("move_shelf", {"room": {"from": "kitchen", "to": "hall"}})


async def test_what_cannot_be_read_is_not_taken_for_nothing(make_toy, toy_works, caller_with) -> None:
    caller, routes = caller_with(), Routes()

    @routes.get("/crates/{crate_id}", permission="self")
    async def get_crate(crate_id: PathId) -> Shelf:
        raise DomainError("dependency_unavailable")

    @routes.post("/crates/{crate_id}/open", permission="self")
    async def open_crate(crate_id: PathId, work: Work) -> Answer:
        return Answer()

    async with make_toy(routes, works=toy_works).client(caller) as client:
        assert (await client.post(f"/api/v1/crates/{caller.tenant_id}/open")).status_code == 503
    assert await entries(toy_works, caller) == []


async def test_each_of_those_who_share_a_transaction_leaves_its_entry(make_toy, toy_works, caller_with) -> None:
    routes = Routes()

    async def store(wanted: list[str], work: UnitOfWork) -> list[str | DomainError]:
        await asyncio.sleep(0.05)  # others arrive
        return [DomainError("rule_violated", rule="never") if name == "refused" else work.new_id() for name in wanted]

    @routes.post("/sharing", permission="self", together=store, object_type="toy")
    async def share_it(body: Wanted, share: Share, trail: TheTrail) -> Response:
        def answer(toy_id: str) -> Response:
            trail.about(toy_id)
            return JSONResponse({"id": toy_id})

        return await share.take(body.name, answer)

    toy, callers = make_toy(routes, works=toy_works), [caller_with() for _ in range(6)]

    async def post(number: int) -> Any:
        async with toy.client(callers[number]) as client:
            return await client.post("/api/v1/sharing", json={"name": "refused" if number == 3 else "ball"})

    answers = await asyncio.gather(*map(post, range(6)))
    left = {each["actor_id"]: each["object_id"] for each in await entries(toy_works, *callers)}
    assert [each.status_code for each in answers].count(200) == 5
    assert left == {
        caller.subject: answer.json()["id"]
        for caller, answer in zip(callers, answers, strict=True)
        if answer.status_code == 200
    }


@pytest.mark.parametrize(
    ("method", "path", "more", "shown"),
    [
        ("PATCH", "/crm/toys/{toy_id}", {}, "get_toy"),
        ("POST", "/crm/toys", {}, "get_toy"),
        ("PUT", "/crm/toys/{toy_id}/tags/{tag}", {}, "get_toy"),
        ("PUT", "/crm/toys/{toy_id}/parts/{part_id}/colour", {}, "get_part"),
        ("POST", "/crm/toys/{toy_id}/parts", {"object_type": "part"}, "get_part"),
        ("POST", "/crm/toys/{toy_id}/owner", {"object_type": "owner"}, None),
        ("POST", "/crm/toys/bulk", {"object_type": "toy"}, None),
        ("POST", "/shops", {}, None),
    ],
)
def test_a_write_is_shown_by_the_nearest_read(method: str, path: str, more: Any, shown: str | None) -> None:
    routes = Routes()

    async def get_toy(toy_id: PathId, work: Work) -> Shelf: ...
    async def get_part(toy_id: PathId, part_id: PathId, caller: TheCaller) -> Shelf: ...
    async def write() -> None: ...

    routes.get("/crm/toys/{toy_id}", permission="self")(get_toy)
    routes.get("/crm/toys/{toy_id}/parts/{part_id}", permission="self")(get_part)
    routes.plain(method, path, permission="self", **more)(write)  # type: ignore[type-var]
    *reads, declared = routes.declared

    found = shown_by(declared, reads)

    assert (found.read.__name__ if found else None) == shown
    assert found is None or found.key == shown.removeprefix("get_") + "_id"  # type: ignore[union-attr]


def test_a_route_that_does_not_say_what_it_writes_does_not_start(make_toy, toy_works) -> None:
    routes = Routes()

    @routes.post("/it", permission="self")
    async def write_it(work: Work) -> None: ...

    with pytest.raises(UndeclaredRouteError, match="POST /it writes, and no route shows what"):
        make_toy(routes, works=toy_works)


def test_what_shows_an_object_lists_what_may_be_told_of_it(make_toy, toy_works) -> None:
    class Loose(Answer):
        id: str

    class Wrong(Answer):
        audited = ("nme",)
        name: str

    for answer in (Loose, Wrong):
        routes = Routes()

        async def get_it(it_id: PathId) -> Any: ...
        async def change_it(it_id: PathId, work: Work) -> None: ...

        get_it.__annotations__["return"] = answer
        routes.get("/it/{it_id}", permission="self")(get_it)
        routes.patch("/it/{it_id}", permission="self")(change_it)
        with pytest.raises(UndeclaredRouteError, match="list in `audited`"):
            make_toy(routes, works=toy_works)
