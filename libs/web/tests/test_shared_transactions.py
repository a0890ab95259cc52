"""Requests that arrive together are written together, and nobody notices but the clock."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from kernel.errors import DomainError
from outbox.work import UnitOfWork
from starlette.responses import JSONResponse, Response
from web.bodies import Body
from web.caller import TheCaller
from web.routes import Routes, UndeclaredRouteError
from web.sharing import Share
from web.works import Work

ADDRESS = "/api/v1/sharing"


class Wanted(Body):
    name: str


def sharing_routes(before: object = None) -> Routes:
    """Toys are stored by name; "refused" is refused, "broken" breaks the transaction, "early" is refused by the handler."""
    routes = Routes()

    async def store(wanted: Sequence[tuple[str, str]], work: UnitOfWork) -> Sequence[str | DomainError]:
        await asyncio.sleep(0.05)  # others arrive
        if before is not None:
            await before(work)  # type: ignore[operator]
        for tenant_id, name in wanted:
            if name == "broken":
                await work.connection.execute("select nothing_of_the_kind")
            if name != "refused":
                await work.connection.execute(
                    "insert into toys (id, tenant_id, name, kind) values ($1, $2, $3, 'ball')",
                    work.new_id(),
                    tenant_id,
                    work.new_id(),
                )
        transaction = str(await work.connection.fetchval("select pg_current_xact_id()::text"))
        return [DomainError("rule_violated", rule="never") if name == "refused" else transaction for _, name in wanted]

    @routes.post("/sharing", permission="self", status=201, together=store, writes=False)
    async def share_it(body: Wanted, share: Share, caller: TheCaller) -> Response:
        if body.name == "early":
            raise DomainError("rule_violated", rule="early")
        return await share.take((caller.tenant_id, body.name), lambda found: JSONResponse({"in": found}, 201))

    return routes


async def count(toy_works, caller) -> int:
    async with toy_works.begin([caller.tenant_id]) as work:
        found: int = await work.connection.fetchval("select count(*) from toys")
        return found


async def post(toy, caller, name: str, key: str | None = None) -> httpx.Response:
    async with toy.client(caller) as client:
        return await client.post(ADDRESS, json={"name": name}, headers={"Idempotency-Key": key} if key else {})


@pytest.mark.parametrize("key", [None, "the-same-key-of-each"])
async def test_what_arrives_together_shares_a_transaction(make_toy, toy_works, caller_with, key) -> None:
    toy, callers = make_toy(sharing_routes(), works=toy_works), [caller_with() for _ in range(12)]
    answers = await asyncio.gather(*(post(toy, caller, "ball", key) for caller in callers))
    assert [answer.status_code for answer in answers] == [201] * 12
    assert len({answer.json()["in"] for answer in answers}) < 6
    assert [await count(toy_works, caller) for caller in callers] == [1] * 12


async def test_a_refusal_and_a_failure_concern_one_alone(make_toy, toy_works, caller_with) -> None:
    toy, callers = make_toy(sharing_routes(), works=toy_works), [caller_with() for _ in range(6)]
    names = ["ball", "ball", "refused", "broken", "ball", "early"]
    answers = await asyncio.gather(*(post(toy, caller, name, "k") for caller, name in zip(callers, names, strict=True)))
    assert [answer.status_code for answer in answers] == [201, 201, 422, 500, 201, 422]
    assert [await count(toy_works, caller) for caller in callers] == [1, 1, 0, 0, 1, 0]
    again = await asyncio.gather(*(post(toy, caller, name, "k") for caller, name in zip(callers, names, strict=True)))
    assert [answer.status_code for answer in again] == [201, 201, 422, 500, 201, 422]
    replayed = ["idempotent-replayed" in answer.headers for answer in again]
    assert replayed == [True, True, True, False, True, True]
    assert [answer.content for answer in again if answer.status_code != 500] == [
        answer.content for answer in answers if answer.status_code != 500
    ]
    assert [await count(toy_works, caller) for caller in callers] == [1, 1, 0, 0, 1, 0]


async def test_a_key_has_one_effect_however_many_come_together(make_toy, toy_works, caller_with) -> None:
    toy, caller = make_toy(sharing_routes(), works=toy_works), caller_with()
    answers = await asyncio.gather(*(post(toy, caller, "ball", "k") for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409} and await count(toy_works, caller) == 1
    assert (await post(toy, caller, "ball", "k")).headers["idempotent-replayed"] == "true"
    other = await post(toy, caller, "another", "k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await count(toy_works, caller) == 1


async def test_a_lost_race_is_run_again_and_given_up(make_toy, toy_works, caller_with) -> None:
    for losses, status in ((3, 201), (9, 409)):
        caller, runs = caller_with(), []

        async def lose(work, runs=runs, losses=losses) -> None:
            runs.append(1)
            if len(runs) <= losses:
                await work.connection.execute("do $$ begin raise exception using errcode = '40P01'; end $$")

        answer = await post(make_toy(sharing_routes(lose), works=toy_works), caller, "ball", "k")
        assert (answer.status_code, len(runs)) == (status, 4)
        assert await count(toy_works, caller) == (1 if status == 201 else 0)


async def test_a_route_has_one_way_to_the_database(make_toy, toy_works) -> None:
    routes = Routes()

    async def nothing(wanted: Sequence[object], work: UnitOfWork) -> Sequence[object]:
        return wanted

    @routes.post("/both", permission="self", together=nothing, writes=False)
    async def both(share: Share, work: Work) -> Response:
        return Response()

    with pytest.raises(UndeclaredRouteError, match="shares transactions"):
        make_toy(routes, works=toy_works)
