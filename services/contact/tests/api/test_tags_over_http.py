"""Tags as people and programs change and read them."""

from typing import Any

from kernel.ids import new_id


def refusals(answer: Any) -> list[tuple[str, str]]:
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


def kinds(events: list[Any]) -> list[tuple[str, str, int]]:
    return [(event.type.split(".")[1], event.data.tag, event.data.version) for event in events]


async def test_a_tag_is_put_on_once_and_taken_off_once_whatever_its_case(desk: Any) -> None:
    contact = await desk.enter()
    path = f"/crm/contacts/{contact['id']}/tags"
    await desk.news()

    added = await desk.ask("PUT", f"{path}/São%20Paulo")
    again = await desk.ask("PUT", f"{path}/são%20paulo")
    removed = await desk.ask("DELETE", f"{path}/SÃO%20PAULO")
    gone = await desk.ask("DELETE", f"{path}/são%20paulo")

    assert [each.status_code for each in (added, again, removed, gone)] == [200] * 4
    assert [each.json()["tags"] for each in (added, again, removed, gone)] == [["São Paulo"], ["São Paulo"], [], []]
    assert [each.headers["ETag"] for each in (added, again, removed, gone)] == ['"2"', '"2"', '"3"', '"3"']
    news = await desk.news()
    assert kinds(news) == [("tag_added", "São Paulo", 2), ("tag_removed", "São Paulo", 3)]
    assert all(event.partitionkey == contact["id"] and event.projectid == desk.project for event in news)


async def test_a_tag_is_changed_only_in_the_version_that_was_seen(desk: Any) -> None:
    contact = await desk.enter()
    path = f"/crm/contacts/{contact['id']}/tags/vip"

    fresh = await desk.ask("PUT", path, headers={"If-Match": '"1"'})
    stale = await desk.ask("DELETE", path, headers={"If-Match": '"1"'})

    assert (fresh.status_code, stale.status_code, stale.json()["current_version"]) == (200, 412, 2)
    assert (await desk.read(contact["id"]))["tags"] == ["vip"]


async def test_tags_of_a_contact_that_is_not_there_are_not_found(desk: Any) -> None:
    contact = await desk.enter()
    path = f"/crm/contacts/{contact['id']}/tags/vip"

    assert (await desk.ask("PUT", path, by=desk.stranger)).status_code == 404
    assert (await desk.ask("PUT", f"/crm/contacts/{new_id()}/tags/vip")).status_code == 404
    assert (await desk.ask("DELETE", f"/crm/contacts/{contact['id']}")).status_code == 204
    assert (await desk.ask("PUT", path)).status_code == 404


async def test_what_is_no_tag_is_refused(desk: Any) -> None:
    contact = await desk.enter()

    for tag, code in [("x" * 65, "too_long"), ("%20", "too_short"), ("a%0Ab", "bad_format")]:
        answer = await desk.ask("PUT", f"/crm/contacts/{contact['id']}/tags/{tag}")
        assert (answer.status_code, refusals(answer)) == (400, [("/tag", code)]), tag


async def test_the_hundred_and_first_tag_is_too_many(desk: Any) -> None:
    contact = await desk.enter(tags=[f"tag {number}" for number in range(100)])

    answer = await desk.ask("PUT", f"/crm/contacts/{contact['id']}/tags/one%20more")
    entered = await desk.ask("POST", "/crm/contacts", json={"name": "Zé", "tags": [str(n) for n in range(101)]})

    assert (answer.status_code, answer.json()["code"], answer.json()["most"]) == (422, "too_many", 100)
    assert (entered.status_code, entered.json()["errors"][0]["pointer"]) == (400, "/tags")


async def test_a_change_of_tags_says_only_which_came_and_went(desk: Any) -> None:
    contact = await desk.enter(tags=["VIP", "lead"])
    path = f"/crm/contacts/{contact['id']}"
    await desk.news()

    changed = await desk.ask("PATCH", path, json={"tags": ["new", "vip"]})
    same = await desk.ask("PATCH", path, json={"tags": ["VIP", "NEW"]})
    both = await desk.ask("PATCH", path, json={"tags": None, "name": "Zé Silva"})

    assert (changed.json()["tags"], changed.json()["version"]) == (["new", "VIP"], 2)
    assert (same.json()["tags"], same.json()["version"]) == (["new", "VIP"], 2)
    assert (both.json()["tags"], both.json()["version"]) == ([], 3)
    news = await desk.news()
    assert kinds([event for event in news if "tag" in event.type]) == [
        ("tag_removed", "lead", 2),
        ("tag_added", "new", 2),
        ("tag_removed", "new", 3),
        ("tag_removed", "VIP", 3),
    ]
    (updated,) = [event for event in news if event.type == "contact.updated.v1"]
    assert (updated.data.changed, updated.data.version, updated.data.tags) == (("name",), 3, ())


async def test_many_contacts_are_tagged_at_once_all_or_nobody(desk: Any) -> None:
    one, two = await desk.enter(tags=["old"]), await desk.enter(tags=["VIP"])
    full = await desk.enter(tags=[f"tag {number}" for number in range(100)])
    foreign = (await desk.ask("POST", "/crm/contacts", json={"name": "Other"}, by=desk.stranger)).json()
    unknown = new_id()
    await desk.news()
    ids = [one["id"], two["id"], unknown, foreign["id"], one["id"]]

    refused = await desk.ask(
        "POST", "/crm/contacts/bulk-tags", json={"contact_ids": [*ids, full["id"]], "add": ["vip"]}
    )
    done = await desk.ask(
        "POST", "/crm/contacts/bulk-tags", json={"contact_ids": ids, "add": ["vip"], "remove": ["OLD", "missing"]}
    )
    again = await desk.ask("POST", "/crm/contacts/bulk-tags", json={"contact_ids": ids, "add": ["vip"]})

    assert (refused.status_code, refused.json()["code"]) == (422, "too_many")
    assert done.json() == {"matched": 2, "changed": 1, "unchanged": 1, "not_found": [unknown, foreign["id"]]}
    assert again.json() == {"matched": 2, "changed": 0, "unchanged": 2, "not_found": [unknown, foreign["id"]]}
    assert kinds(await desk.news()) == [("tag_removed", "old", 2), ("tag_added", "vip", 2)]
    assert [(await desk.read(each["id"]))["tags"] for each in (one, two)] == [["vip"], ["VIP"]]


async def test_a_thousand_contacts_are_tagged_in_a_handful_of_statements(desk: Any) -> None:
    administrator = desk.served.administrator
    await administrator.execute(
        "insert into contact.contacts (tenant_id, id, project_id, name, name_source, name_folded, origin)"
        " select $1, gen_random_uuid(), $2, 'Ana', 'user', 'ana', 'api' from generate_series(1, 1000)",
        desk.tenant,
        desk.project,
    )
    ids = [str(row["id"]) for row in await administrator.fetch("select id from contact.contacts")]
    before = await administrator.fetchval("select coalesce(sum(events), 0) from contact.outbox_bundles")

    done = await desk.ask("POST", "/crm/contacts/bulk-tags", json={"contact_ids": ids, "add": ["Sale", "2026"]})
    more = await desk.ask("POST", "/crm/contacts/bulk-tags", json={"contact_ids": [*ids, new_id()], "add": ["x"]})

    assert (done.status_code, done.json()["changed"]) == (200, 1000)
    assert (more.status_code, more.json()["errors"][0]["code"]) == (400, "too_long")
    assert await administrator.fetchval("select coalesce(sum(events), 0) from contact.outbox_bundles") - before == 2001
    listed = (await desk.ask("GET", "/crm/tags")).json()["data"]
    assert listed == [{"tag": "2026", "contact_count": 1000}, {"tag": "Sale", "contact_count": 1000}]


BAD_WISHES: list[tuple[dict[str, Any], str, str]] = [
    ({"add": ["a"]}, "/contact_ids", "missing"),
    ({"contact_ids": [], "add": ["a"]}, "/contact_ids", "too_short"),
    ({"contact_ids": ["7"], "add": ["a"]}, "/contact_ids/0", "bad_format"),
    ({"contact_ids": [new_id()]}, "/add", "missing"),
    ({"contact_ids": [new_id()], "add": ["ok", " "]}, "/add/1", "too_short"),
    ({"contact_ids": [new_id()], "add": ["VIP"], "remove": ["vip"]}, "/remove", "not_allowed"),
    ({"contact_ids": [new_id()], "remove": [7]}, "/remove/0", "wrong_type"),
]


async def test_a_bad_wish_for_many_names_its_field(desk: Any) -> None:
    for body, pointer, code in BAD_WISHES:
        answer = await desk.ask("POST", "/crm/contacts/bulk-tags", json=body)
        assert (answer.status_code, refusals(answer)) == (400, [(pointer, code)]), body


async def test_the_tags_of_a_project_are_counted_and_found_by_their_beginning(desk: Any) -> None:
    for tags in (["VIP", "lead"], ["vip"], ["Vienna", "vip"]):
        last = await desk.enter(tags=tags)
    await desk.ask("POST", "/crm/contacts", json={"name": "Other", "tags": ["vip"]}, by=desk.stranger)

    async def tags(**query: Any) -> list[tuple[str, int]]:
        found = (await desk.ask("GET", "/crm/tags", params=query)).json()["data"]
        return [(each["tag"], each["contact_count"]) for each in found]

    assert await tags() == [("lead", 1), ("Vienna", 1), ("VIP", 3)]
    assert await tags(prefix="VI") == [("Vienna", 1), ("VIP", 3)]
    assert [count for _, count in await tags(sort="-contact_count")] == [3, 1, 1]
    assert len(await tags(limit=2)) == 2

    await desk.ask("DELETE", f"/crm/contacts/{last['id']}")
    assert await tags() == [("lead", 1), ("VIP", 2)]
