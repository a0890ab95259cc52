"""Custom fields: their definitions, and their values on contacts."""

from typing import Any

from kernel.ids import new_id
from testkit.serving import a_caller


def refusals(answer: Any) -> list[tuple[str, str]]:
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


async def test_a_field_is_defined_listed_changed_and_deleted(desk: Any) -> None:
    made = await desk.ask(
        "POST",
        "/crm/custom-fields",
        json={"key": "size", "type": "select", "options": ["S", "M"], "label": "Shoe size"},
    )
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/crm/custom-fields/size")
    assert (made.json()["key"], made.json()["type"], made.json()["options"]) == ("size", "select", ["S", "M"])
    assert (made.json()["required"], made.json()["system"], made.json()["version"]) == (False, False, 1)
    await desk.define("age", "number")

    listed = (await desk.ask("GET", "/crm/custom-fields")).json()["data"]
    assert [(each["key"], each["label"]) for each in listed] == [("age", "age"), ("size", "Shoe size")]
    chosen = (await desk.ask("GET", "/crm/custom-fields?type=select,multi_select")).json()["data"]
    assert [each["key"] for each in chosen] == ["size"]

    path = "/crm/custom-fields/size"
    changed = await desk.ask("PATCH", path, json={"options": ["S", "M", "L"], "label": None})
    same = await desk.ask("PATCH", path, json={"label": "size"})
    stale = await desk.ask("PATCH", path, json={"label": "x"}, headers={"If-Match": '"1"'})
    assert (changed.json()["options"], changed.json()["label"], changed.json()["version"]) == (
        ["S", "M", "L"],
        "size",
        2,
    )
    assert (same.json()["version"], stale.status_code) == (2, 412)

    assert (await desk.ask("DELETE", path)).status_code == 204
    assert (await desk.ask("DELETE", path)).status_code == 404
    for query, found in (("", [("age", False)]), ("?include_deleted=true", [("age", False), ("size", True)])):
        listed = (await desk.ask("GET", f"/crm/custom-fields{query}")).json()["data"]
        assert [(each["key"], each["deleted_at"] is not None) for each in listed] == found
    news = [(event.type, event.data.key, event.data.version) for event in await desk.news()]
    assert news == [
        ("custom_field.created.v1", "size", 1),
        ("custom_field.created.v1", "age", 1),
        ("custom_field.updated.v1", "size", 2),
        ("custom_field.deleted.v1", "size", 3),
    ]


async def test_a_key_is_defined_once_and_belongs_to_the_project(desk: Any) -> None:
    first = await desk.define("size", "text")

    again = await desk.ask("POST", "/crm/custom-fields", json={"key": "size", "type": "number"})
    elsewhere = await desk.ask("POST", "/crm/custom-fields", json={"key": "size", "type": "number"}, by=desk.stranger)
    foreign = await desk.ask("PATCH", "/crm/custom-fields/age", json={"label": "x"}, by=desk.stranger)

    assert (again.status_code, again.json()["code"], again.json()["existing_id"]) == (
        409,
        "already_exists",
        first["id"],
    )
    assert (elsewhere.status_code, foreign.status_code) == (201, 404)


BAD_DEFINITIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "text"}, "/key", "missing"),
    ({"key": "size"}, "/type", "missing"),
    ({"key": "Size", "type": "text"}, "/key", "bad_format"),
    ({"key": "size", "type": "colour"}, "/type", "not_in_enum"),
    ({"key": "size", "type": "select"}, "/options", "missing"),
    ({"key": "size", "type": "text", "options": ["a"]}, "/options", "not_allowed"),
    ({"key": "size", "type": "number", "default_value": "5"}, "/default_value", "wrong_type"),
    ({"key": "lead_score", "type": "number"}, "/key", "not_allowed"),
    ({"key": "size", "type": "text", "fixed": True}, "/fixed", "unknown_field"),
]


async def test_a_bad_definition_names_its_field(desk: Any) -> None:
    for body, pointer, code in BAD_DEFINITIONS:
        answer = await desk.ask("POST", "/crm/custom-fields", json=body)
        assert (answer.status_code, refusals(answer)) == (400, [(pointer, code)]), body


async def test_key_and_type_never_change(desk: Any) -> None:
    await desk.define("size", "text")

    for field in ("key", "type"):
        answer = await desk.ask("PATCH", "/crm/custom-fields/size", json={field: "number"})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown_field")


async def test_what_the_product_keeps_itself_is_nobodys_to_change(desk: Any) -> None:
    await desk.define("mine", "text")
    await desk.served.administrator.execute("update contact.custom_fields set system = true")

    for method, body in (("PATCH", {"label": "x"}), ("DELETE", None)):
        answer = await desk.ask(method, "/crm/custom-fields/mine", json=body)
        assert (answer.status_code, answer.json()["rule"]) == (422, "system_field")
    assert len((await desk.ask("GET", "/crm/custom-fields?system=true")).json()["data"]) == 1


VALUES: list[tuple[str, Any, Any]] = [
    ("text", "any text\n", "any text\n"),
    ("number", 4.5, 4.5),
    ("boolean", False, False),
    ("date", "2026-03-04", "2026-03-04"),
    ("json", {"a": [1, None, True]}, {"a": [1, None, True]}),
    ("url", "https://example.com/?q=1", "https://example.com/?q=1"),
    ("email", "Ana@Example.com", "ana@example.com"),
    ("phone", "(11) 98765-4321", "+5511987654321"),
    ("select", "M", "M"),
    ("multi_select", ["M", "S", "M"], ["M", "S"]),
    ("label", " blue ", "blue"),
]


async def test_a_value_of_each_type_is_set_told_and_cleared(desk: Any) -> None:
    for type, value, kept in VALUES:
        await desk.define(type, type, **({"options": ["S", "M"]} if "select" in type else {}))
        contact = await desk.enter()
        path = f"/crm/contacts/{contact['id']}/custom-fields/{type}"
        await desk.news()

        answers = [
            await desk.ask("PUT", path, json={"value": value}),
            await desk.ask("PUT", path, json={"value": value}),
            await desk.ask("DELETE", path),
            await desk.ask("PUT", path, json={"value": None}),
        ]

        assert [each.status_code for each in answers] == [200] * 4, type
        assert [each.json()["custom_fields"] for each in answers] == [{type: kept}, {type: kept}, {}, {}]
        assert [each.json()["version"] for each in answers] == [2, 2, 3, 3]
        set_, cleared = await desk.news()
        assert (set_.type, cleared.type) == ("contact.custom_field_set.v1", "contact.custom_field_cleared.v1")
        assert (set_.data.key, set_.data.type, set_.data.version) == (type, type, 2)
        assert (set_.data.value, set_.data.old_value) == (kept, None)
        assert (cleared.data.version, cleared.data.old_value) == (3, kept)


async def test_values_are_entered_and_changed_with_the_contact_one_by_one(desk: Any) -> None:
    await desk.define("size", "text", default_value="M")
    await desk.define("age", "number")
    contact = await desk.enter(custom_fields={"age": 40})
    path = f"/crm/contacts/{contact['id']}"
    assert contact["custom_fields"] == {"size": "M", "age": 40}
    (_, _, created) = await desk.news()
    assert created.data.custom_fields == {"size": "M", "age": 40}

    changed = await desk.ask("PATCH", path, json={"custom_fields": {"age": 41}, "name": "Zé"})
    cleared = await desk.ask("PATCH", path, json={"custom_fields": {"size": None}})
    emptied = await desk.ask("PATCH", path, json={"custom_fields": None})

    assert changed.json()["custom_fields"] == {"size": "M", "age": 41}
    assert (cleared.json()["custom_fields"], emptied.json()["custom_fields"]) == ({"age": 41}, {})
    news = [(event.type.split(".")[1], event.data.key, event.data.version) for event in await desk.news()]
    assert news == [
        ("custom_field_set", "age", 2),
        ("custom_field_cleared", "size", 3),
        ("custom_field_cleared", "age", 4),
    ]


BAD_VALUES: list[tuple[dict[str, Any], str, str]] = [
    ({"shoe_size": 41}, "/custom_fields/shoe_size", "unknown_field"),
    ({"a/b~c": 1}, "/custom_fields/a~1b~0c", "unknown_field"),
    ({"age": "forty"}, "/custom_fields/age", "wrong_type"),
    ({"size": "XXL"}, "/custom_fields/size", "not_in_enum"),
    ({"sizes": ["S", "XXL"]}, "/custom_fields/sizes/1", "not_in_enum"),
]


async def test_a_key_that_is_not_defined_and_a_wrong_value_are_named(desk: Any) -> None:
    await desk.define("age", "number")
    await desk.define("size", "select", options=["S", "M"])
    await desk.define("sizes", "multi_select", options=["S", "M"])
    contact = await desk.enter()

    for values, pointer, code in BAD_VALUES:
        for method, path in (("POST", "/crm/contacts"), ("PATCH", f"/crm/contacts/{contact['id']}")):
            answer = await desk.ask(method, path, json={"name": "Zé", "custom_fields": values})
            assert (answer.status_code, refusals(answer)) == (400, [(pointer, code)]), values
    assert (await desk.read(contact["id"]))["version"] == 1


async def test_one_value_that_cannot_be_is_refused(desk: Any) -> None:
    await desk.define("age", "number")
    contact = await desk.enter()
    path = f"/crm/contacts/{contact['id']}/custom-fields"

    async def refusal(method: str, key: str, **more: Any) -> tuple[int, str, str]:
        answer = await desk.ask(method, f"{path}/{key}", **more)
        return answer.status_code, answer.json()["errors"][0]["pointer"], answer.json()["errors"][0]["code"]

    assert await refusal("PUT", "age", json={"value": "x"}) == (400, "/value", "wrong_type")
    assert await refusal("PUT", "age", json={}) == (400, "/value", "missing")
    assert await refusal("PUT", "size", json={"value": "x"}) == (400, "/key", "not_found")
    assert await refusal("DELETE", "size") == (400, "/key", "not_found")
    foreign = await desk.ask("PUT", f"{path}/age", json={"value": 1}, by=desk.stranger)
    unknown = await desk.ask("PUT", f"/crm/contacts/{new_id()}/custom-fields/age", json={"value": 1})
    assert (foreign.status_code, unknown.status_code) == (404, 404)


async def test_a_required_field_must_be_there_and_stays(desk: Any) -> None:
    contact = await desk.enter()
    await desk.define("code", "text", required=True)
    path = f"/crm/contacts/{contact['id']}"

    without = await desk.ask("POST", "/crm/contacts", json={"name": "Zé"})
    await desk.ask("PATCH", path, json={"custom_fields": {"code": "7"}})
    cleared = [
        await desk.ask("DELETE", f"{path}/custom-fields/code"),
        await desk.ask("PUT", f"{path}/custom-fields/code", json={"value": None}),
        await desk.ask("PATCH", path, json={"custom_fields": {"code": None}}),
        await desk.ask("PATCH", path, json={"custom_fields": None}),
    ]

    assert (without.status_code, without.json()["errors"][0]["pointer"]) == (400, "/custom_fields/code")
    assert [(each.status_code, each.json()["rule"]) for each in cleared] == [(422, "required_field")] * 4
    assert (await desk.read(contact["id"]))["custom_fields"] == {"code": "7"}


async def test_values_of_a_deleted_field_are_hidden_and_come_back_with_it_and_its_type(desk: Any) -> None:
    await desk.define("size", "text")
    contact = await desk.enter(custom_fields={"size": "L"})
    path = f"/crm/contacts/{contact['id']}"

    await desk.ask("DELETE", "/crm/custom-fields/size")
    hidden = await desk.ask("PATCH", path, json={"name": "Other"})
    otherwise = await desk.ask("POST", "/crm/custom-fields", json={"key": "size", "type": "number"})
    await desk.define("size", "text")

    assert hidden.json()["custom_fields"] == {}
    assert (otherwise.status_code, otherwise.json()["code"]) == (409, "invalid_state")
    assert (await desk.read(contact["id"]))["custom_fields"] == {"size": "L"}


async def test_a_project_has_two_hundred_fields_and_no_more(desk: Any) -> None:
    await desk.served.administrator.execute(
        "insert into contact.custom_fields (tenant_id, id, project_id, key, label, type)"
        " select $1, gen_random_uuid(), $2, 'field_' || n, 'x', 'text' from generate_series(1, 200) n",
        desk.tenant,
        desk.project,
    )

    answer = await desk.ask("POST", "/crm/custom-fields", json={"key": "one_more", "type": "text"})

    assert (answer.status_code, answer.json()["code"]) == (422, "too_many")


async def test_agents_fill_in_fields_and_leaders_define_them(desk: Any) -> None:
    await desk.define("size", "text")
    contact = await desk.enter()
    agent, supervisor = (a_caller(desk.tenant, desk.project, role=role) for role in ("agent", "supervisor"))
    value = f"/crm/contacts/{contact['id']}/custom-fields/size"

    assert (await desk.ask("PUT", value, json={"value": "L"}, by=agent)).status_code == 200
    assert (await desk.ask("PATCH", "/crm/custom-fields/size", json={"label": "x"}, by=agent)).status_code == 403
    assert (await desk.ask("PATCH", "/crm/custom-fields/size", json={"label": "x"}, by=supervisor)).status_code == 200
    assert (await desk.ask("DELETE", "/crm/custom-fields/size", by=supervisor)).status_code == 403
