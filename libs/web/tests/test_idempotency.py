"""One key, one effect, one answer."""

import asyncio
from collections import Counter
from datetime import timedelta

import asyncpg
import pytest
from contracts.envelope import Event
from fastapi import Response
from kernel.clock import utc_now
from kernel.errors import DomainError
from web.bodies import Answer, Id
from web.caller import TheCaller
from web.idempotency import delete_expired
from web.routes import Routes
from web.works import NOBODY, Work, fresh_tenant_scope

ADDRESS = "/api/v1/crm/toys"


class Made(Answer):
    id: Id


class Shown(Answer):
    tenant_id: str
    api_key: str


def key(text: str = "k") -> dict[str, str]:
    return {"Idempotency-Key": text}


async def names(toy_works, caller) -> list[str]:
    async with toy_works.begin([caller.tenant_id]) as work:
        return [row["name"] for row in await work.connection.fetch("select name from toys order by name")]


async def events(toy_works, caller) -> int:
    async with toy_works.begin([caller.tenant_id]) as work:
        found: int = await work.connection.fetchval("select coalesce(sum(events), 0) from outbox_bundles")
        return found


async def test_fifty_parallel_identical_posts_have_one_effect(make_toy, toy_works, caller_with) -> None:
    async def linger() -> None:
        await asyncio.sleep(0.02)

    caller = caller_with()
    async with make_toy(deciding_routes(linger), works=toy_works).client(caller) as client:
        answers = await asyncio.gather(*(client.post("/api/v1/deciding", headers=key()) for _ in range(50)))
        last = await client.post("/api/v1/deciding", headers=key())
    counted = Counter(answer.status_code for answer in answers)
    assert set(counted) == {200, 409}, counted
    given = [answer for answer in [*answers, last] if answer.status_code == 200]
    assert len({answer.content for answer in given}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in given) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_in_progress" and answer.headers["retry-after"] == "1"
    assert len(await names(toy_works, caller)) == await events(toy_works, caller) == 1


async def test_the_kept_answer_is_the_first_one_with_its_headers(toy, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        first = await client.post(ADDRESS, json={"name": "one"}, headers=key())
        again = await client.post(ADDRESS, json={"name": "one"}, headers=key())
    assert (again.status_code, again.content) == (201, first.content)
    for header in ("etag", "location", "content-type"):
        assert again.headers[header] == first.headers[header]
    assert again.headers["x-request-id"] and "idempotent-replayed" not in first.headers


@pytest.mark.parametrize(
    ("path", "body"),
    [(ADDRESS, b'{"name":"two"}'), (ADDRESS, b'{"name": "one"}'), ("/api/v1/toys/echo", b'{"name":"one"}')],
)
async def test_a_key_for_another_request_is_refused(toy, caller_with, path, body) -> None:
    async with toy.client(caller_with(), **{"Content-Type": "application/json"}) as client:
        await client.post(ADDRESS, content=b'{"name":"one"}', headers=key())
        answer = await client.post(path, content=body, headers=key())
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_keys_belong_to_tenant_and_credential(toy, caller_with) -> None:
    caller = caller_with()
    for other in (caller_with(), caller_with(tenant_id=caller.tenant_id)):
        async with toy.client(caller) as mine, toy.client(other) as theirs:
            assert (await mine.post(ADDRESS, json={"name": "mine"}, headers=key())).status_code == 201
            answer = await theirs.post(ADDRESS, json={"name": "theirs"}, headers=key())
            assert answer.status_code == 201 and "idempotent-replayed" not in answer.headers


@pytest.mark.parametrize("bad", ["", "x" * 256, "a b", "ä", "a\tb"])
async def test_a_malformed_key_is_refused(toy, caller_with, bad) -> None:
    async with toy.client(caller_with()) as client:
        answer = await client.post(ADDRESS, json={"name": "one"}, headers=[("Idempotency-Key", bad.encode())])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "#Idempotency-Key"


async def test_after_a_refused_shape_the_key_may_be_used_again(toy, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        assert (await client.post(ADDRESS, json={"nme": "one"}, headers=key())).status_code == 400
        assert (await client.post(ADDRESS, json={"name": "one"}, headers=key())).status_code == 201


def deciding_routes(decide) -> Routes:
    routes = Routes()

    @routes.post("/deciding", permission="self", writes=False)
    async def deciding(work: Work, caller: TheCaller) -> Made:
        await work.connection.execute(
            "insert into toys (id, tenant_id, name, kind) values ($1, $2, $3, 'ball')",
            work.new_id(),
            caller.tenant_id,
            work.new_id(),  # nothing but the key keeps a second effect away
        )
        work.say(
            Event(
                specversion="1.0",
                id=work.new_id(),
                type="toy.made.v1",
                source="/toy",
                subject="s",
                time=work.now,
                tenantid=caller.tenant_id,
                partitionkey="p",
                correlationid=caller.correlation_id,
                actor="user",
                data={},
            )
        )
        await decide()
        return Made(id=work.new_id())

    @routes.post("/stepping", permission="self", writes=False)
    async def stepping(caller: TheCaller) -> Answer:
        await decide()
        return Answer()

    return routes


@pytest.mark.parametrize("path", ["/api/v1/deciding", "/api/v1/stepping"])
@pytest.mark.parametrize(
    ("error", "status", "kept"),
    [
        (DomainError("not_found"), 404, True),
        (DomainError("invalid_state", current_state="x"), 409, True),
        (DomainError("rule_violated", rule="r"), 422, True),
        (DomainError("permission_denied", required="x"), 403, False),
        (DomainError("rate_limited"), 429, False),
        (DomainError("validation_failed"), 400, False),
        (DomainError("provider_error"), 502, False),
        (RuntimeError("boom"), 500, False),
        (ConnectionResetError(), 503, False),
    ],
)
async def test_refusals_by_rule_are_kept_without_their_effects(
    make_toy, toy_works, caller_with, path, error, status, kept
) -> None:
    calls = []

    async def decide() -> None:
        calls.append(1)
        raise error

    caller = caller_with()
    async with make_toy(deciding_routes(decide), works=toy_works).client(caller) as client:
        answers = [await client.post(path, headers=key()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    assert len(calls) == (1 if kept else 2)
    assert ("idempotent-replayed" in answers[1].headers) is kept
    if kept:
        assert answers[0].json() == answers[1].json()
    assert (await names(toy_works, caller), await events(toy_works, caller)) == ([], 0)


@pytest.mark.parametrize("path", ["/api/v1/deciding", "/api/v1/stepping"])
async def test_while_the_first_runs_the_others_are_told_to_wait(make_toy, toy_works, caller_with, path) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def decide() -> None:
        entered.set()
        await go_on.wait()

    async with make_toy(deciding_routes(decide), works=toy_works).client(caller_with()) as client:
        first = asyncio.create_task(client.post(path, headers=key()))
        await asyncio.wait_for(entered.wait(), 5)
        second = await client.post(path, headers=key())
        go_on.set()
        assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_progress")
        assert (await first).status_code == 200
        third = await client.post(path, headers=key())
        assert (third.status_code, third.headers["idempotent-replayed"]) == (200, "true")


async def test_an_abandoned_claim_holds_for_a_minute_only(make_toy, toy_works, toy_dsns, caller_with) -> None:
    """A process that died between claim and answer must not block its key for a day."""
    caller = caller_with()

    async def decide() -> None:
        pass

    async with make_toy(deciding_routes(decide), works=toy_works).client(caller) as client:
        await client.post("/api/v1/stepping", headers=key())
        async with toy_works.begin([caller.tenant_id]) as work:
            await work.connection.execute("update idempotency_keys set status = null")
        assert (await client.post("/api/v1/stepping", headers=key())).status_code == 409
        async with toy_works.begin([caller.tenant_id]) as work:
            await work.connection.execute("update idempotency_keys set created_at = now() - interval '61 seconds'")
        again = await client.post("/api/v1/stepping", headers=key())
        assert again.status_code == 200 and "idempotent-replayed" not in again.headers


async def test_a_cancelled_request_leaves_neither_effect_nor_key(make_toy, toy_works, caller_with) -> None:
    caller = caller_with()
    hanging = True

    async def decide() -> None:
        await asyncio.sleep(60 if hanging else 0)

    async with make_toy(deciding_routes(decide), works=toy_works, timeout_s=0.2).client(caller) as client:
        slow = await client.post("/api/v1/deciding", headers=key())
        assert (slow.status_code, slow.json()["code"]) == (504, "timeout")
        assert await names(toy_works, caller) == []
        hanging = False
        assert (await client.post("/api/v1/deciding", headers=key())).status_code == 200
    assert len(await names(toy_works, caller)) == 1


async def test_an_answer_with_a_secret_is_kept_encrypted(make_toy, toy_works, toy_dsns) -> None:
    routes = Routes()

    @routes.post(
        "/register", permission="public", status=201, scope=fresh_tenant_scope, secret_answer=True, writes=False
    )
    async def register(work: Work, response: Response) -> Shown:
        response.headers["Location"] = "/api/v1/x"
        return Shown(tenant_id=work.tenants[0], api_key="vk_marker_secret")

    toy = make_toy(routes, works=toy_works, sealing_key=b"k" * 32)
    async with toy.client() as client:
        first = await client.post("/api/v1/register", headers=key("register-1"))
        again = await client.post("/api/v1/register", headers=key("register-1"))
    assert first.status_code == 201 and first.json()["tenant_id"] != NOBODY
    assert again.content == first.content and again.headers["idempotent-replayed"] == "true"
    async with toy_works.begin([NOBODY]) as work:
        (row,) = await work.connection.fetch("select * from idempotency_keys where key = 'register-1'")
    assert b"marker" not in row["body"] and len(row["body"]) > 40


async def test_keys_are_deleted_after_a_day_and_not_before(toy, toy_works, caller_with) -> None:
    callers = [caller_with(), caller_with()]
    for caller in callers:
        async with toy.client(caller) as client:
            await client.post(ADDRESS, json={"name": "old"}, headers=key("old"))
            await client.post(ADDRESS, json={"name": "new"}, headers=key("new"))
        async with toy_works.begin([caller.tenant_id]) as work:
            await work.connection.execute(
                "update idempotency_keys set created_at = now() - interval '25 hours' where key = 'old'"
            )
    async with toy.client(callers[0]) as client:  # what is too old counts no more, deleted or not
        answer = await client.post(ADDRESS, json={"name": "old too"}, headers=key("old"))
        assert answer.status_code == 201
    assert await delete_expired(toy_works) >= 1
    assert await delete_expired(toy_works, lambda: utc_now() - timedelta(hours=1)) == 0
    for caller, left in zip(callers, (["new", "old"], ["new"]), strict=True):
        async with toy_works.begin([caller.tenant_id]) as work:
            rows = await work.connection.fetch("select key from idempotency_keys order by key")
            assert [row["key"] for row in rows] == left


async def test_the_keys_stand_behind_the_wall(toy, toy_dsns, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        await client.post(ADDRESS, json={"name": "one"}, headers=key())
    connection = await asyncpg.connect(toy_dsns[1])
    assert await connection.fetchval("select count(*) from idempotency_keys") == 0
    await connection.close()
