"""Routes that share transactions are answered past the framework, and nobody can tell."""

from collections.abc import Sequence
from typing import Any

import pytest
from outbox.work import UnitOfWork
from starlette.responses import JSONResponse, Response
from web.bodies import Body, Id
from web.caller import TheCaller, TheProject
from web.routes import Routes, UndeclaredRouteError
from web.sharing import Share

BODY = {"name": "ball", "count": 2}


class Wanted(Body):
    name: str
    count: int
    owner_id: Id | None = None


async def echo(wanted: Sequence[Any], work: UnitOfWork) -> Sequence[Any]:
    return wanted


def both_ways() -> Routes:
    """The same route twice: past the framework, and through it."""
    routes = Routes()

    @routes.post("/short", permission="contacts.manage", status=201, together=echo, writes=False)
    async def short(body: Wanted, share: Share, caller: TheCaller, project_id: TheProject) -> Response:
        told = {"name": body.name, "who": caller.subject, "project": project_id}
        return await share.take(told, lambda found: JSONResponse(found, 201))

    @routes.post("/usual", permission="contacts.manage", status=201, writes=False)
    async def usual(body: Wanted, caller: TheCaller, project_id: TheProject) -> Response:
        return JSONResponse({"name": body.name, "who": caller.subject, "project": project_id}, 201)

    return routes


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (201, {"json": BODY}),
        (400, {}),
        (400, {"content": b"null", "headers": {"Content-Type": "application/json"}}),
        (400, {"content": b"[1]", "headers": {"Content-Type": "application/json"}}),
        (400, {"content": b"{", "headers": {"Content-Type": "application/json"}}),
        (400, {"content": b'{"name":"a","name":"b"}', "headers": {"Content-Type": "application/json"}}),
        (400, {"json": {"name": 7, "count": "2", "more": True}}),
        (400, {"json": {**BODY, "owner_id": "nobody"}}),
        (400, {"json": BODY, "params": {"more": "1"}}),
        (413, {"content": b" " * (1024 * 1024 + 1), "headers": {"Content-Type": "application/json"}}),
        (415, {"content": b"name=ball", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
    ],
)
async def test_a_request_is_answered_as_on_the_usual_way(make_toy, toy_works, caller_with, status, sent) -> None:
    toy = make_toy(both_ways(), works=toy_works)
    async with toy.client(caller_with("admin")) as client:
        short, usual = [await client.post(f"/api/v1/{way}", **sent) for way in ("short", "usual")]
    assert short.status_code == usual.status_code == status
    assert _said(short) == _said(usual)
    assert short.headers.keys() == usual.headers.keys()


@pytest.mark.parametrize(("status", "role"), [(401, None), (403, "viewer")])
async def test_who_may_not_is_turned_away(make_toy, toy_works, caller_with, status, role) -> None:
    toy = make_toy(both_ways(), works=toy_works)
    async with toy.client(caller_with(role) if role else None) as client:
        short, usual = [await client.post(f"/api/v1/{way}", json=BODY) for way in ("short", "usual")]
    assert short.status_code == usual.status_code == status
    assert _said(short) == _said(usual)


async def test_another_method_of_its_path_is_not_there(make_toy, toy_works, caller_with) -> None:
    toy = make_toy(both_ways(), works=toy_works)
    async with toy.client(caller_with("admin")) as client:
        answer = await client.get("/api/v1/short")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/short", "/short/{toy_id}"])
async def test_a_parameter_that_cannot_be_found_stops_the_start(make_toy, toy_works, path) -> None:
    routes = Routes()

    @routes.post(path, permission="self", together=echo, writes=False)
    async def share_it(body: Wanted, share: Share, toy_id: Id) -> Response:
        return Response()

    with pytest.raises(UndeclaredRouteError, match="toy_id"):
        make_toy(routes, works=toy_works)


def _said(answer: Any) -> Any:
    told = answer.json()
    return {name: value for name, value in told.items() if name not in ("request_id", "correlation_id", "instance")}
