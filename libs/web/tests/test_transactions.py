"""What a route does around its handler: commit, roll back, repeat, and say when the database is away."""

import asyncio

import httpx
from kernel.errors import DomainError
from outbox.work import Works
from postgres.database import Database
from web.bodies import Answer
from web.caller import TheCaller
from web.routes import Routes
from web.works import Work


class CountAnswer(Answer):
    count: int


def counting_routes(before_return) -> Routes:
    routes = Routes()

    @routes.post("/counting", permission="self", writes=False)
    async def counting(work: Work, caller: TheCaller) -> CountAnswer:
        await work.connection.execute(
            "insert into toys (id, tenant_id, name, kind) values ($1, $2, $3, 'ball')",
            work.new_id(),
            caller.tenant_id,
            work.new_id(),
        )
        await before_return(work)
        return CountAnswer(count=await work.connection.fetchval("select count(*) from toys"))

    return routes


async def count(toy_works: Works, caller) -> int:
    async with toy_works.begin([caller.tenant_id]) as work:
        found: int = await work.connection.fetchval("select count(*) from toys")
        return found


async def test_what_raises_leaves_nothing_behind(make_toy, toy_works, caller_with) -> None:
    async def refuse(work) -> None:
        raise DomainError("rule_violated", rule="never")

    caller = caller_with()
    async with make_toy(counting_routes(refuse), works=toy_works).client(caller) as client:
        answer = await client.post("/api/v1/counting")
    assert (answer.status_code, answer.json()["rule"]) == (422, "never")
    assert await count(toy_works, caller) == 0


async def test_the_answer_leaves_after_the_commit(make_toy, toy_works, caller_with) -> None:
    """A deferred constraint fails at the commit: nobody may have been told 200 by then."""
    caller = caller_with()

    async def fail_at_commit(work) -> None:
        await work.connection.execute(
            "create temp table if not exists late (id int primary key deferrable initially deferred)"
        )
        await work.connection.execute("insert into late values (1), (1)")

    async with make_toy(counting_routes(fail_at_commit), works=toy_works).client(caller) as client:
        answer = await client.post("/api/v1/counting")
    assert answer.status_code == 409
    assert await count(toy_works, caller) == 0


async def test_a_lost_race_is_run_again_and_given_up_after_three_repeats(make_toy, toy_works, caller_with) -> None:
    for losses, status in ((3, 200), (4, 409)):
        caller, runs = caller_with(), []

        async def lose(work, runs=runs, losses=losses) -> None:
            runs.append(1)
            if len(runs) <= losses:
                await work.connection.execute("do $$ begin raise exception using errcode = '40P01'; end $$")

        async with make_toy(counting_routes(lose), works=toy_works).client(caller) as client:
            answer = await client.post("/api/v1/counting", headers={"Idempotency-Key": "k"})
        assert (answer.status_code, len(runs)) == (status, 4)
        assert await count(toy_works, caller) == (1 if status == 200 else 0)
        if status == 409:
            assert answer.json()["code"] == "conflict"


async def test_with_if_match_a_conflict_is_not_repeated(make_toy, toy_works, caller_with) -> None:
    runs = []

    async def conflict(work) -> None:
        runs.append(1)
        raise DomainError("conflict")

    async with make_toy(counting_routes(conflict), works=toy_works).client(caller_with()) as client:
        assert (await client.post("/api/v1/counting", headers={"If-Match": '"1"'})).status_code == 409
    assert len(runs) == 1


async def test_an_exhausted_pool_is_503_and_says_when_to_come_back(make_toy, toy_dsns, caller_with) -> None:
    database = await Database.connect(toy_dsns[1], application="toy", size=1, acquire_timeout_s=0.1)

    async def nothing(work) -> None:
        pass

    try:
        async with (
            database.connection(),
            make_toy(counting_routes(nothing), works=Works(database, partitions=2)).client(caller_with()) as client,
        ):
            answer = await client.post("/api/v1/counting")
        assert (answer.status_code, answer.json()["code"]) == (503, "dependency_unavailable")
        assert answer.headers["retry-after"] == "5"
    finally:
        await database.close()


async def test_a_connection_that_breaks_in_the_middle_is_503_and_tells_nothing(
    make_toy, toy_works, caller_with
) -> None:
    async def break_off(work) -> None:
        await work.connection.execute("select pg_terminate_backend(pg_backend_pid())")

    async with make_toy(counting_routes(break_off), works=toy_works).client(caller_with()) as client:
        answer = await client.post("/api/v1/counting")
    assert answer.status_code == 503
    assert "terminat" not in answer.text and "administrator" not in answer.text


async def test_a_database_error_tells_its_code_only(make_toy, toy_works, caller_with) -> None:
    async def wrong(work) -> None:
        await work.connection.fetch("select marker_column from toys")

    async with make_toy(counting_routes(wrong), works=toy_works).client(caller_with()) as client:
        answer = await client.post("/api/v1/counting")
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (500, "internal_error", "")
    assert "marker" not in answer.text


async def test_parallel_requests_do_not_share_a_transaction(toy, toy_works, caller_with) -> None:
    callers = [caller_with() for _ in range(8)]

    async def make(caller) -> httpx.Response:
        async with toy.client(caller) as client:
            return await client.post("/api/v1/crm/toys", json={"name": "same name"})

    answers = await asyncio.gather(*(make(caller) for caller in callers))
    assert [answer.json()["tenant_id"] for answer in answers] == [caller.tenant_id for caller in callers]
    assert [await count(toy_works, caller) for caller in callers] == [1] * 8
