"""Lists, single objects and versions, over a real database."""

from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from kernel.ids import new_id
from postgres.listing import Listing
from web.bodies import Answer
from web.caller import TheCaller
from web.paging import ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work


async def fill(client: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    made = []
    for number in range(count):
        answer = await client.post(
            "/api/v1/crm/toys", json={"name": f"toy {number:03}", "kind": "ball" if number % 2 else "doll"}
        )
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    return made


async def test_a_list_is_walked_by_cursor_without_gaps_or_repeats(toy, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        made = await fill(client, 7)
        seen, address = [], "/api/v1/crm/toys?limit=3&sort=name"
        for _ in range(3):
            answer = await client.get(address)
            body = answer.json()
            seen += [item["id"] for item in body["data"]]
            assert body["has_more"] is (body["next_cursor"] is not None)
            if not body["has_more"]:
                assert "link" not in answer.headers
                break
            address = answer.headers["link"].removeprefix("<").partition(">")[0]
            assert parse_qs(urlsplit(address).query)["sort"] == ["name"]
            await client.post("/api/v1/crm/toys", json={"name": f"a {len(seen)}"})  # sorts before: shifts nothing
        assert seen == [toy["id"] for toy in made]


async def test_an_empty_list_is_a_list(toy, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        answer = await client.get("/api/v1/crm/toys")
        assert (answer.status_code, answer.json()) == (200, {"data": [], "has_more": False, "next_cursor": None})
        assert "etag" not in answer.headers


async def test_the_total_comes_only_where_it_was_asked_for(toy, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        await fill(client, 5)
        body = (await client.get("/api/v1/crm/toys?limit=2&include=total_count&kind=doll")).json()
        assert body["total_count"] == 3 and "total_count_capped" not in body
        assert "total_count" not in (await client.get("/api/v1/crm/toys?limit=2")).json()


async def test_filters_take_one_or_several_values(toy, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        await fill(client, 4)
        for query, count in (("kind=ball", 2), ("kind=ball,doll", 4), ("name=001", 1), ("name=%25", 0)):
            assert len((await client.get(f"/api/v1/crm/toys?{query}")).json()["data"]) == count, query


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("limit=0", "limit_out_of_range", "?limit"),
        ("limit=101", "limit_out_of_range", "?limit"),
        ("limit=ten", "limit_out_of_range", "?limit"),
        ("limit=5.0", "limit_out_of_range", "?limit"),
        ("cursor=rubbish", "invalid_cursor", None),
        ("sort=price", "invalid_sort", None),
        ("sort=(select 1)", "invalid_sort", None),
        ("sort=name;drop table toys", "invalid_sort", None),
        ("include=everything", "validation_failed", "?include"),
        ("kind=car", "validation_failed", "?kind"),
        ("kind=ball,car", "validation_failed", "?kind"),
        ("colour=red", "validation_failed", "?colour"),
        ("name=a%00b", "validation_failed", "?name"),
        ("bought_after=2026-03-04T05:06:07", "validation_failed", "?bought_after"),
        ("name=" + "x" * 21, "validation_failed", "?name"),
    ],
)
async def test_what_a_list_does_not_know_is_refused_by_name(toy, caller_with, query, code, pointer) -> None:
    async with toy.client(caller_with()) as client:
        answer = await client.get(f"/api/v1/crm/toys?{query}")
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, code), body
    assert [each["pointer"] for each in body["errors"]] == ([] if pointer is None else [pointer])


async def test_a_cursor_of_another_question_or_tenant_is_refused(toy, caller_with) -> None:
    async with toy.client(caller_with()) as mine, toy.client(caller_with()) as theirs:
        await fill(mine, 3)
        cursor = (await mine.get("/api/v1/crm/toys?limit=1&sort=name")).json()["next_cursor"]
        for client, query in ((mine, "sort=-name"), (mine, "sort=name&kind=ball"), (theirs, "sort=name")):
            answer = await client.get(f"/api/v1/crm/toys?limit=1&cursor={cursor}&{query}")
            assert answer.json()["code"] == "invalid_cursor"


async def test_admins_may_ask_a_list_for_what_was_deleted(toy, caller_with) -> None:
    admin = caller_with("admin")
    async with toy.client(admin) as client:
        made = await fill(client, 4)
        for each in made[1:3]:
            await client.delete(f"/api/v1/crm/toys/{each['id']}")
        live = (await client.get("/api/v1/crm/toys?sort=name&include=total_count")).json()
        assert [each["id"] for each in live["data"]] == [made[0]["id"], made[3]["id"]] and live["total_count"] == 2
        address = "/api/v1/crm/toys?sort=name&limit=3&include=total_count&include_deleted=true"
        first = await client.get(address)
        assert [each["deleted_at"] is not None for each in first.json()["data"]] == [False, True, True]
        assert first.json()["total_count"] == 4
        rest = await client.get(first.headers["link"].removeprefix("<").partition(">")[0])
        assert [each["id"] for each in rest.json()["data"]] == [made[3]["id"]]
        other = await client.get(f"/api/v1/crm/toys?sort=name&limit=3&cursor={first.json()['next_cursor']}")
        assert other.json()["code"] == "invalid_cursor"
        assert (await client.get("/api/v1/crm/toys?include_deleted=maybe")).status_code == 400
    async with toy.client(caller_with("supervisor", tenant_id=admin.tenant_id)) as client:
        refused = await client.get("/api/v1/crm/toys?include_deleted=true")
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
        assert refused.json()["required"] == "self (admin)"
        assert len((await client.get("/api/v1/crm/toys?include_deleted=false")).json()["data"]) == 2


async def test_a_list_of_what_is_never_deleted_does_not_know_the_question(make_toy, toy_works, caller_with) -> None:
    routes = Routes("toys")
    everything = Listing(select="select * from toys where tenant_id = $1", sorts={"name": "name text"})

    @routes.get("/crm/toys", permission="contacts.view")
    async def list_toys(
        work: Work, caller: TheCaller, page: Annotated[Paging, paging(everything, sort="name")]
    ) -> ListAnswer[Answer]:
        return await page.answer(work.connection, caller.tenant_id, item=lambda row: Answer())

    async with make_toy(routes, works=toy_works).client(caller_with("admin")) as client:
        answer = await client.get("/api/v1/crm/toys?include_deleted=true")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown_field")


async def test_a_single_object_carries_its_version_and_is_not_sent_twice(toy, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        (made,) = await fill(client, 1)
        address = f"/api/v1/crm/toys/{made['id']}"
        answer = await client.get(address)
        assert answer.headers["etag"] == '"1"' and answer.json() == made
        for known in ('"1"', 'W/"1"', '"9", "1"', "*"):
            again = await client.get(address, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", '"1"')
        assert (await client.get(address, headers={"If-None-Match": '"2"'})).status_code == 200


async def test_a_change_meets_the_version_that_it_means(toy, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        (made,) = await fill(client, 1)
        address = f"/api/v1/crm/toys/{made['id']}"
        changed = await client.patch(address, json={"price": 5}, headers={"If-Match": '"1"'})
        assert (changed.status_code, changed.json()["version"], changed.headers["etag"]) == (200, 2, '"2"')
        stale = await client.patch(address, json={"price": 6}, headers={"If-Match": '"1"'})
        assert (stale.status_code, stale.json()["code"], stale.json()["current_version"]) == (
            412,
            "version_conflict",
            2,
        )
        for malformed in ("1", 'W/"1"', '"1", "2"', '"x"', "", '"-1"'):
            refused = await client.patch(address, json={"price": 6}, headers={"If-Match": malformed})
            assert refused.status_code == 400, malformed
            assert refused.json()["errors"][0]["pointer"] == "#If-Match"
        put = await client.put(address, json={"price": None})
        assert (put.status_code, put.json()["price"], put.json()["name"]) == (200, None, made["name"])


async def test_times_leave_in_utc_with_milliseconds(toy, caller_with) -> None:
    async with toy.client(caller_with()) as client:
        answer = await client.post(
            "/api/v1/crm/toys", json={"name": "a", "bought_at": "2026-03-04T02:06:07.089999-03:00"}
        )
    assert answer.json()["bought_at"] == "2026-03-04T05:06:07.089Z"
    assert answer.headers["location"] == f"/api/v1/crm/toys/{answer.json()['id']}"


async def test_another_tenants_object_is_absent(toy, caller_with) -> None:
    async with toy.client(caller_with()) as mine, toy.client(caller_with()) as theirs:
        (made,) = await fill(mine, 1)
        foreign = await theirs.get(f"/api/v1/crm/toys/{made['id']}")
        unknown = await theirs.get(f"/api/v1/crm/toys/{new_id()}")
        assert foreign.status_code == unknown.status_code == 404
        assert {name: foreign.json()[name] for name in ("code", "title", "detail")} == {
            name: unknown.json()[name] for name in ("code", "title", "detail")
        }
