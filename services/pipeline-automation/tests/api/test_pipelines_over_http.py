"""Pipelines and their statuses as people see them."""

import asyncio
from typing import Any

import pytest
from kernel.ids import new_id
from testkit.serving import Served, a_caller
from web.caller import Caller

STRANGER = a_caller(new_id(), new_id())


async def create(served: Served, caller: Caller, name: str = "Sales", **body: Any) -> dict[str, Any]:
    answer = await served.ask(caller, "POST", "/crm/pipelines", json={"name": name, **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def names(served: Served, caller: Caller, query: str = "") -> list[str]:
    answer = await served.ask(caller, "GET", f"/crm/pipelines?{query}")
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["data"]]


def shape(pipeline: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(each["name"], each["status_type"], each["position"]) for each in pipeline["statuses"]]


async def test_a_pipeline_is_made_with_one_status_of_each_type_read_changed_and_deleted(
    served: Served, ana: Caller
) -> None:
    made = await served.ask(ana, "POST", "/crm/pipelines", json={"name": " Sales ", "color": "#ff00aa"})
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    body = made.json()
    assert (body["name"], body["color"], body["position"], body["active"], body["is_default"]) == (
        "Sales",
        "#FF00AA",
        0,
        True,
        False,
    )
    assert shape(body) == [
        ("Novo", "open", 0),
        ("Em atendimento", "active", 1),
        ("Ganho", "won", 2),
        ("Perdido", "lost", 3),
    ]

    read = await served.ask(ana, "GET", path)
    assert (read.headers["ETag"], read.json()) == ('"1"', body)

    changed = await served.ask(ana, "PATCH", path, json={"session_timeout_minutes": 45}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["session_timeout_minutes"], changed.json()["version"]) == (200, 45, 2)
    stale = await served.ask(ana, "PATCH", path, json={"name": "late"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"], stale.json()["current_version"]) == (412, "version_conflict", 2)
    same = await served.ask(ana, "PATCH", path, json={"session_timeout_minutes": 45})
    assert same.json()["version"] == 2

    assert (await served.ask(ana, "DELETE", path)).status_code == 204
    assert (await served.ask(ana, "DELETE", path)).status_code == 404
    assert (await served.ask(ana, "GET", path)).status_code == 404
    assert await names(served, ana) == []
    (deleted,) = (await served.ask(ana, "GET", "/crm/pipelines?include_deleted=true&include=statuses")).json()["data"]
    assert (deleted["id"], shape(deleted)) == (body["id"], shape(body)) and deleted["deleted_at"]
    said = await served.said()
    assert [event.type for event in said] == [
        "pipeline.created.v1",
        *["status.created.v1"] * 4,
        "pipeline.updated.v1",
        "pipeline.deleted.v1",
    ]
    assert (said[5].data.changed, said[5].data.session_timeout_minutes, said[5].data.version) == (
        ("session_timeout_minutes",),
        45,
        2,
    )
    assert said[0].actor == f"user:{ana.subject}"


async def test_statuses_are_given_validated_and_closed_means_lost(served: Served, ana: Caller) -> None:
    made = await create(
        served,
        ana,
        statuses=[{"name": "In", "status_type": "open"}, {"name": "Out", "status_type": "closed", "color": "#abcdef"}],
    )

    assert shape(made) == [("In", "open", 0), ("Out", "lost", 1)]
    assert made["statuses"][1]["color"] == "#ABCDEF"


@pytest.mark.parametrize(
    ("body", "status", "pointer", "code"),
    [
        ({}, 400, "/name", "missing"),
        ({"name": "  "}, 400, "/name", "too_short"),
        ({"name": None}, 400, "/name", "wrong_type"),
        ({"name": "A", "color": "red"}, 400, "/color", "bad_format"),
        ({"name": "A", "session_timeout_minutes": 0}, 400, "/session_timeout_minutes", "out_of_range"),
        ({"name": "A", "session_timeout_minutes": 1441}, 400, "/session_timeout_minutes", "out_of_range"),
        ({"name": "A", "default": True}, 400, "/default", "unknown_field"),
        ({"name": "A", "statuses": []}, 400, "/statuses", "too_short"),
        (
            {"name": "A", "statuses": [{"name": "x", "status_type": "new"}]},
            400,
            "/statuses/0/status_type",
            "not_in_enum",
        ),
        ({"name": "A", "statuses": [{"name": "x", "status_type": "won"}]}, 422, "/statuses", "not_allowed"),
        (
            {"name": "A", "statuses": [{"name": "x", "status_type": "open"}, {"name": "X", "status_type": "won"}]},
            409,
            "/statuses/1/name",
            "not_unique",
        ),
    ],
)
async def test_what_a_pipeline_cannot_be_is_refused_with_the_field_to_blame(
    served: Served, ana: Caller, body: dict[str, Any], status: int, pointer: str, code: str
) -> None:
    answer = await served.ask(ana, "POST", "/crm/pipelines", json=body)

    assert answer.status_code == status, answer.text
    assert (pointer, code) in {(each["pointer"], each["code"]) for each in answer.json()["errors"]}


async def test_names_are_unique_whatever_their_case_in_a_project_and_free_in_another_tenant(
    served: Served, ana: Caller
) -> None:
    first = await create(served, ana, "Vendas")
    other = await create(served, ana, "Other")

    again = await served.ask(ana, "POST", "/crm/pipelines", json={"name": "VENDAS"})
    renamed = await served.ask(ana, "PATCH", f"/crm/pipelines/{other['id']}", json={"name": "vendas"})

    for refused in (again, renamed):
        assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
        assert refused.json()["existing_id"] == first["id"]
    await create(served, STRANGER, "Vendas")
    await served.ask(ana, "DELETE", f"/crm/pipelines/{first['id']}")
    await create(served, ana, "Vendas")


async def test_ten_requests_at_once_make_one_pipeline_of_a_name_and_positions_without_gaps(
    served: Served, ana: Caller
) -> None:
    wanted = ["Sales"] * 5 + [f"P{n}" for n in range(5)]

    answers = await asyncio.gather(
        *(served.ask(ana, "POST", "/crm/pipelines", json={"name": name, "position": 0}) for name in wanted)
    )

    assert sorted(answer.status_code for answer in answers) == [201] * 6 + [409] * 4
    listed = (await served.ask(ana, "GET", "/crm/pipelines")).json()["data"]
    assert [each["position"] for each in listed] == list(range(6))


async def test_pipelines_keep_their_order_whatever_is_put_moved_or_deleted(served: Served, ana: Caller) -> None:
    ids = {name: (await create(served, ana, name))["id"] for name in "ABC"}
    await create(served, ana, "D", position=1)
    assert await names(served, ana) == ["A", "D", "B", "C"]

    await served.ask(ana, "PATCH", f"/crm/pipelines/{ids['C']}", json={"position": 0})
    assert await names(served, ana) == ["C", "A", "D", "B"]
    await served.ask(ana, "DELETE", f"/crm/pipelines/{ids['A']}")

    listed = (await served.ask(ana, "GET", "/crm/pipelines")).json()["data"]
    assert [(each["name"], each["position"]) for each in listed] == [("C", 0), ("D", 1), ("B", 2)]
    assert {tuple(event.data.changed) for event in await served.said() if event.type == "pipeline.updated.v1"} == {
        ("position",)
    }


async def test_lists_are_filtered_sorted_paged_and_include_statuses_when_asked(served: Served, ana: Caller) -> None:
    for name, color in (("Vendas", "#000001"), ("Suporte", "#000002"), ("Pós-venda", "#000002")):
        await create(served, ana, name, color=color)
    await served.ask(ana, "PATCH", f"/crm/pipelines/{(await create(served, ana, 'Old'))['id']}", json={"active": False})

    assert await names(served, ana, "name=VENDA") == ["Vendas", "Pós-venda"]
    assert await names(served, ana, "active=false") == ["Old"]
    assert await names(served, ana, "color=%23000002&sort=-name") == ["Suporte", "Pós-venda"]
    first = (await served.ask(ana, "GET", "/crm/pipelines?limit=3&include=statuses,total_count")).json()
    assert (len(first["data"][0]["statuses"]), first["total_count"], first["has_more"]) == (4, 4, True)
    rest = (await served.ask(ana, "GET", f"/crm/pipelines?limit=3&cursor={first['next_cursor']}")).json()
    assert [(each["name"], each["statuses"]) for each in rest["data"]] == [("Old", None)]
    for query, code in (
        ("sort=color", "invalid_sort"),
        ("status=1", "validation_failed"),
        ("limit=0", "limit_out_of_range"),
    ):
        refused = await served.ask(ana, "GET", f"/crm/pipelines?{query}")
        assert (refused.status_code, refused.json()["code"]) == (400, code)


async def test_a_search_finds_names_before_descriptions_and_wildcards_are_only_letters(
    served: Served, ana: Caller
) -> None:
    await create(served, ana, "Care", description="After the sales")
    await create(served, ana, "Big Sales")
    await create(served, ana, "Sales")

    async def search(text: str) -> list[tuple[str, str]]:
        found = await served.ask(ana, "GET", "/crm/pipelines/search", params={"q": text})
        return [(each["name"], each["match_field"]) for each in found.json()["data"]]

    assert await search("SALES") == [("Sales", "name"), ("Big Sales", "name"), ("Care", "description")]
    assert await search("%%") == []
    assert (await served.ask(ana, "GET", "/crm/pipelines/search?q=s")).status_code == 400


async def test_another_tenant_finds_nothing_and_changes_nothing(served: Served, ana: Caller) -> None:
    made = await create(served, ana)
    path = f"/crm/pipelines/{made['id']}"
    status = f"{path}/statuses/{made['statuses'][0]['id']}"

    for method, address, body in (
        ("GET", path, None),
        ("PATCH", path, {"name": "mine"}),
        ("DELETE", path, None),
        ("GET", f"{path}/contacts", None),
        ("GET", f"{path}/stats", None),
        ("POST", f"{path}/statuses", {"name": "x", "status_type": "won"}),
        ("PATCH", status, {"name": "x"}),
        ("DELETE", status, None),
        ("PUT", f"{path}/statuses/order", {"status_ids": [each["id"] for each in made["statuses"]]}),
        ("POST", f"{path}/contacts/move", {"contact_ids": [new_id()], "status_id": made["statuses"][0]["id"]}),
    ):
        foreign = await served.ask(STRANGER, method, address, json=body)
        assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found"), address
    assert await names(served, STRANGER) == []
    assert (await served.ask(ana, "GET", path)).json() == made


async def test_statuses_are_added_changed_ordered_and_removed(served: Served, ana: Caller) -> None:
    made = await create(served, ana)
    path = f"/crm/pipelines/{made['id']}"
    added = await served.ask(
        ana, "POST", f"{path}/statuses", json={"name": "Visit", "status_type": "active", "position": 1}
    )
    assert added.status_code == 201
    visit = added.headers["Location"].removeprefix("/api/v1")
    assert (added.json()["position"], added.json()["contact_count"], added.headers["ETag"]) == (1, 0, '"1"')

    renamed = await served.ask(
        ana, "PATCH", visit, json={"name": "Home visit", "position": 0}, headers={"If-Match": '"1"'}
    )
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["position"]) == (200, "Home visit", 0)
    stale = await served.ask(ana, "DELETE", visit, headers={"If-Match": '"1"'})
    assert stale.status_code == 412

    whole = (await served.ask(ana, "GET", path)).json()
    assert whole["version"] == 3, "the statuses are part of what is read"
    wanted = [each["id"] for each in reversed(whole["statuses"])]
    ordered = await served.ask(ana, "PUT", f"{path}/statuses/order", json={"status_ids": wanted})
    assert [each["id"] for each in ordered.json()["statuses"]] == wanted
    assert [each["position"] for each in ordered.json()["statuses"]] == list(range(5))
    half = await served.ask(ana, "PUT", f"{path}/statuses/order", json={"status_ids": wanted[1:]})
    assert (half.status_code, half.json()["errors"][0]["pointer"]) == (400, "/status_ids")

    assert (await served.ask(ana, "DELETE", visit)).status_code == 204
    assert (await served.ask(ana, "DELETE", visit)).status_code == 404
    left = (await served.ask(ana, "GET", path)).json()
    assert [name for name, *_ in shape(left)] == ["Perdido", "Ganho", "Em atendimento", "Novo"]
    assert [position for *_, position in shape(left)] == list(range(4))
    removed = [event for event in await served.said() if event.type == "status.removed.v1"]
    assert [(event.data.name, event.data.moved_to_status_id) for event in removed] == [("Home visit", None)]
    updates = [event for event in await served.said() if event.type == "status.updated.v1"]
    assert ("name", "position") in {tuple(event.data.changed) for event in updates}


async def test_who_arranges_the_statuses_of_one_pipeline_at_once_waits_for_the_other(
    served: Served, ana: Caller
) -> None:
    made = await create(served, ana)
    path = f"/crm/pipelines/{made['id']}"
    bodies = [{"name": f"S{number}", "status_type": "active", "position": 0} for number in range(8)]

    answers = await asyncio.gather(*(served.ask(ana, "POST", f"{path}/statuses", json=body) for body in bodies))

    assert [answer.status_code for answer in answers] == [201] * 8
    whole = (await served.ask(ana, "GET", path)).json()
    assert [position for *_, position in shape(whole)] == list(range(12))
    assert whole["version"] == made["version"] + 8, "each was told of all before it"


async def test_an_active_pipeline_keeps_a_status_where_somebody_can_begin(served: Served, ana: Caller) -> None:
    made = await create(served, ana)
    path = f"/crm/pipelines/{made['id']}"
    only = f"{path}/statuses/{made['statuses'][0]['id']}"

    for method, body in (("PATCH", {"status_type": "won"}), ("PATCH", {"active": False}), ("DELETE", None)):
        refused = await served.ask(ana, method, only, json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "rule_violated")
        assert refused.json()["rule"] == "pipeline_needs_open_status"

    await served.ask(ana, "PATCH", path, json={"active": False})
    assert (await served.ask(ana, "PATCH", only, json={"active": False})).status_code == 200
    again = await served.ask(ana, "PATCH", path, json={"active": True})
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (422, "/active")


async def test_the_default_pipeline_stays(served: Served, ana: Caller) -> None:
    made = await create(served, ana)
    await served.administrator.execute("update pipeline_automation.pipelines set is_default = true")

    refused = await served.ask(ana, "DELETE", f"/crm/pipelines/{made['id']}")

    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state")


async def test_viewers_read_supervisors_arrange_and_only_admins_delete(served: Served, ana: Caller) -> None:
    made = await create(served, ana)
    path = f"/crm/pipelines/{made['id']}"
    status = f"{path}/statuses/{made['statuses'][3]['id']}"

    async def code(role: str, method: str, address: str, body: Any = None) -> int:
        caller = a_caller(ana.tenant_id, ana.project_id, role=role)
        return (await served.ask(caller, method, address, json=body)).status_code

    assert await code("viewer", "GET", path) == 200
    assert await code("agent", "PATCH", path, {"name": "x"}) == 403
    assert await code("supervisor", "PATCH", path, {"name": "x"}) == 200
    assert await code("supervisor", "DELETE", status) == 403
    assert await code("supervisor", "DELETE", path) == 403
    assert await code("admin", "DELETE", status) == 204
    assert await code("admin", "DELETE", path) == 204
