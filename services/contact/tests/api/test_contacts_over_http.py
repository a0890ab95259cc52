"""Contacts as people and programs see them: the whole service over ASGI, on a real database."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from contact.bootstrap import build
from kernel.ids import new_id
from testkit.plugin import DatabaseOf
from testkit.serving import Served, a_caller, serving

TENANT, PROJECT = new_id(), new_id()
ANA = a_caller(TENANT, PROJECT)
STRANGER = a_caller(new_id(), new_id())


@pytest_asyncio.fixture
async def contact(database_of: DatabaseOf) -> AsyncIterator[Served]:
    async with serving(await database_of("contact", "contact"), build) as served:
        yield served


async def create(contact: Served, **body: object) -> dict[str, object]:
    answer = await contact.ask(ANA, "POST", "/crm/contacts", json={"name": "Zé", **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_a_contact_is_entered_read_changed_and_deleted(contact: Served) -> None:
    made = await contact.ask(
        ANA, "POST", "/crm/contacts", json={"name": " Zé ", "phone": "(11) 98765-4321", "tags": ["VIP", "vip", "new"]}
    )
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    assert (made.json()["name"], made.json()["phone"], made.json()["tags"]) == ("Zé", "+5511987654321", ["VIP", "new"])

    read = await contact.ask(ANA, "GET", path)
    assert read.headers["ETag"] == '"1"'
    assert read.json() == made.json()

    changed = await contact.ask(ANA, "PATCH", path, json={"email": "ZE@Example.com"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["email"], changed.json()["version"]) == (200, "ze@example.com", 2)
    stale = await contact.ask(ANA, "PATCH", path, json={"name": "late"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")

    assert (await contact.ask(ANA, "DELETE", path)).status_code == 204
    assert (await contact.ask(ANA, "DELETE", path)).status_code == 404
    assert (await contact.ask(ANA, "GET", path)).status_code == 404
    said = [event.type for event in await contact.said()]
    assert said == ["contact.created.v1", "contact.updated.v1", "contact.deleted.v1"]


async def test_admins_see_deleted_contacts_in_lists_where_they_ask_for_them(contact: Served) -> None:
    kept, gone = await create(contact, tags=["vip"]), await create(contact, tags=["VIP", "new"])
    await contact.ask(ANA, "DELETE", f"/crm/contacts/{gone['id']}")

    async def listed(query: str) -> list[tuple[str, bool]]:
        items = (await contact.ask(ANA, "GET", f"/crm/contacts?{query}")).json()["data"]
        return [(each["id"], each["deleted_at"] is not None) for each in items]

    both = [(gone["id"], True), (kept["id"], False)]
    assert await listed("") == await listed("include_deleted=false") == [(kept["id"], False)]
    assert await listed("include_deleted=true") == both
    # Tags are looked up in an index that deleted contacts are not in.
    assert await listed("include_deleted=true&tags=vip") == await listed("include_deleted=true&tags_all=vip") == both
    assert await listed("include_deleted=true&tags=new,other") == [(gone["id"], True)]
    refused = await contact.ask(
        a_caller(TENANT, PROJECT, role="supervisor"), "GET", "/crm/contacts?include_deleted=true"
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


async def test_another_tenant_finds_nothing_and_changes_nothing(contact: Served) -> None:
    path = f"/crm/contacts/{(await create(contact))['id']}"

    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
        foreign = await contact.ask(STRANGER, method, path, json=body)
        unknown = await contact.ask(STRANGER, method, f"/crm/contacts/{new_id()}", json=body)
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json()["detail"] == unknown.json()["detail"]
    assert (await contact.ask(STRANGER, "GET", "/crm/contacts")).json()["data"] == []
    assert (await contact.ask(ANA, "GET", path)).json()["version"] == 1


async def test_the_same_phone_in_one_project_is_refused_with_the_id_of_its_holder_and_free_in_another_tenant(
    contact: Served,
) -> None:
    first = await create(contact, phone="+55 11 98765-4321")

    again = await contact.ask(ANA, "POST", "/crm/contacts", json={"name": "Other", "phone": "+55 11 8765-4321"})
    elsewhere = await contact.ask(STRANGER, "POST", "/crm/contacts", json={"name": "Other", "phone": "+5511987654321"})

    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert again.json()["existing_id"] == first["id"]
    assert elsewhere.status_code == 201


async def test_ten_requests_at_once_with_one_phone_make_one_contact(contact: Served) -> None:
    answers = await asyncio.gather(
        *(contact.ask(ANA, "POST", "/crm/contacts", json={"name": "Zé", "phone": "+5511987654321"}) for _ in range(10))
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/name", "missing"),
        ({"name": " "}, "/name", "too_short"),
        ({"name": "Zé", "tenant_id": "x"}, "/tenant_id", "unknown_field"),
        ({"name": "Zé", "phone": "not a number"}, "/phone", "bad_format"),
        ({"name": "Zé", "email": "nobody"}, "/email", "bad_format"),
        ({"name": "Zé", "timezone": "Mars/Olympus"}, "/timezone", "bad_format"),
        ({"name": 7}, "/name", "wrong_type"),
    ],
)
async def test_bad_input_names_the_field_and_stores_nothing(
    contact: Served, body: dict[str, object], pointer: str, code: str
) -> None:
    answer = await contact.ask(ANA, "POST", "/crm/contacts", json=body)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]
    assert await contact.said() == []


async def test_an_idempotency_key_makes_repeats_return_the_first_contact(contact: Served) -> None:
    headers = {"Idempotency-Key": "order-77"}

    first = await contact.ask(ANA, "POST", "/crm/contacts", json={"name": "Zé"}, headers=headers)
    again = await contact.ask(ANA, "POST", "/crm/contacts", json={"name": "Zé"}, headers=headers)
    other = await contact.ask(ANA, "POST", "/crm/contacts", json={"name": "Other"}, headers=headers)

    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await contact.said()) == 1


async def test_lists_are_walked_by_cursor_without_gaps_or_repeats(contact: Served) -> None:
    ids = {(await create(contact, name=f"Contact {number}"))["id"] for number in range(7)}
    seen: list[str] = []
    query = "limit=3&sort=name"

    while True:
        page = (await contact.ask(ANA, "GET", f"/crm/contacts?{query}")).json()
        seen += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        query = f"limit=3&sort=name&cursor={page['next_cursor']}"

    assert len(seen) == 7
    assert set(seen) == ids


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("sort=(select 1)", "invalid_sort"),
        ("limit=0", "limit_out_of_range"),
        ("limit=101", "limit_out_of_range"),
        ("cursor=abc", "invalid_cursor"),
        ("pipeline=1", "validation_failed"),
        ("created_after=2026-01-01T00:00:00", "validation_failed"),
    ],
)
async def test_what_a_list_does_not_know_is_refused(contact: Served, query: str, code: str) -> None:
    answer = await contact.ask(ANA, "GET", f"/crm/contacts?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_names_are_found_without_case_and_accents_and_wildcards_are_only_letters(contact: Served) -> None:
    await create(contact, name="José Álvares")
    await create(contact, name="100% natural")

    async def names(text: str) -> list[str]:
        found = await contact.ask(ANA, "GET", "/crm/contacts", params={"name": text})
        return [each["name"] for each in found.json()["data"]]

    assert await names("alvares") == ["José Álvares"]
    assert await names("%") == ["100% natural"]
    assert await names("jos_") == []


async def test_an_agent_may_not_delete_and_a_viewer_may_not_write(contact: Served) -> None:
    made = await create(contact)

    agent = await contact.ask(a_caller(TENANT, PROJECT, role="agent"), "DELETE", f"/crm/contacts/{made['id']}")
    viewer = await contact.ask(a_caller(TENANT, PROJECT, role="viewer"), "POST", "/crm/contacts", json={"name": "Zé"})

    assert (agent.status_code, viewer.status_code) == (403, 403)
    assert viewer.json()["required"] == "contacts.manage"


async def test_identities_are_kept_as_channels_report_them_and_added_never_taken_away(contact: Served) -> None:
    made = await create(
        contact,
        identities=[
            {"kind": "wa_id", "value": "5511987654321@s.whatsapp.net"},
            {"kind": "lid", "value": "999000111222333"},
            {"kind": "email", "value": "Ana@Example.com"},
            {"kind": "phone", "value": "(11) 98765-4321"},
        ],
    )
    path = f"/crm/contacts/{made['id']}"

    added = await contact.ask(ANA, "PATCH", path, json={"identities": [{"kind": "username", "value": "ana"}]})
    again = await contact.ask(ANA, "PATCH", path, json={"identities": [{"kind": "username", "value": "ana"}]})

    shown = sorted((each["kind"], each["value"]) for each in added.json()["identities"])
    assert shown == [
        ("email", "ana@example.com"),
        ("lid", "999000111222333@lid"),
        ("phone", "+5511987654321"),
        ("username", "ana"),
        ("wa_id", "5511987654321@c.us"),
    ]
    assert (added.json()["version"], again.json()["version"]) == (2, 2)
    created, linked = await contact.said()
    assert (linked.type, linked.data.kind, linked.data.value) == ("contact.identity_linked.v1", "username", "ana")
    assert (linked.data.verified, linked.data.evidence) == (False, linked.actor)
    assert ("wa_pn", "5511987654321@c.us") in [(each.kind, each.value) for each in created.data.identities]


async def test_an_identity_belongs_to_one_contact(contact: Served) -> None:
    identity = {"kind": "wa_id", "value": "5511987654321@c.us"}
    first, second = await create(contact, identities=[identity]), await create(contact)

    entered = await contact.ask(ANA, "POST", "/crm/contacts", json={"name": "Other", "identities": [identity]})
    changed = await contact.ask(ANA, "PATCH", f"/crm/contacts/{second['id']}", json={"identities": [identity]})

    for answer in (entered, changed):
        assert (answer.status_code, answer.json()["code"], answer.json()["existing_id"]) == (
            409,
            "already_exists",
            first["id"],
        )


async def test_an_identity_that_cannot_be_is_refused_by_its_place(contact: Served) -> None:
    for kind, value in (
        ("phone", "abc"),
        ("wa_id", "120363@g.us"),
        ("lid", "ana"),
        ("email", "nobody"),
        ("username", " "),
    ):
        body = {"name": "Zé", "identities": [{"kind": "external", "value": "7"}, {"kind": kind, "value": value}]}
        answer = await contact.ask(ANA, "POST", "/crm/contacts", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/identities/1/value"), kind


async def test_a_change_is_refused_where_another_contact_holds_what_it_asks_for(contact: Served) -> None:
    first = await create(contact, phone="+5511987654321", email="ana@example.com", external_id="77")
    second = await create(contact)

    for body in ({"phone": "11 8765-4321"}, {"email": "ANA@example.com"}, {"external_id": "77"}):
        answer = await contact.ask(ANA, "PATCH", f"/crm/contacts/{second['id']}", json=body)
        assert (answer.status_code, answer.json()["existing_id"]) == (409, first["id"])
    own = await contact.ask(ANA, "PATCH", f"/crm/contacts/{first['id']}", json={"phone": "11 8765-4321"})
    assert own.status_code == 200
    fixed = await contact.ask(ANA, "PATCH", f"/crm/contacts/{first['id']}", json={"external_id": "78"})
    assert (fixed.status_code, fixed.json()["errors"][0]["pointer"]) == (400, "/external_id")


async def test_null_clears_and_absent_leaves(contact: Served) -> None:
    made = await create(contact, phone="+5511987654321", email="ana@example.com", timezone="America/Sao_Paulo")
    path = f"/crm/contacts/{made['id']}"

    changed = (await contact.ask(ANA, "PATCH", path, json={"phone": None, "opted_out": True})).json()
    back = (await contact.ask(ANA, "PATCH", path, json={"opted_out": None, "language": "pt-BR"})).json()

    assert (changed["phone"], changed["email"], changed["timezone"]) == (None, "ana@example.com", "America/Sao_Paulo")
    assert changed["opted_out"] is True and changed["opted_out_at"] is not None
    assert (back["opted_out"], back["opted_out_at"], back["language"]) == (False, None, "pt-BR")
    updates = [event.data for event in await contact.said() if event.type == "contact.updated.v1"]
    assert [(each.changed, each.version) for each in updates] == [
        (("phone", "opted_out"), 2),
        (("language", "opted_out"), 3),
    ]
    assert updates[0].old_values == {"phone": "+5511987654321", "opted_out": False}
