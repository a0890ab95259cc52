"""Where contacts stand, as people see and change it."""

import asyncio
import time
from typing import Any

import pytest
from kernel.ids import new_id
from pipeline_automation.application.project_contacts import project_contacts
from pipeline_automation.bootstrap import work_of
from pipeline_automation.domain.known_contact import LifeChange
from pipeline_automation.domain.surroundings import KnownChannel
from pipeline_automation.entrypoints.http import placements
from testkit.eventually import eventually
from testkit.serving import Served, a_caller
from web.caller import Caller

Pipeline = dict[str, Any]


async def create(served: Served, caller: Caller, name: str = "Sales") -> Pipeline:
    found: Pipeline = (await served.ask(caller, "POST", "/crm/pipelines", json={"name": name})).json()
    return found


async def move(served: Served, caller: Caller, contact: str, pipeline: Pipeline, status: int, **body: Any) -> Any:
    wish = {"pipeline_id": pipeline["id"], "status_id": pipeline["statuses"][status]["id"], **body}
    return await served.ask(caller, "PATCH", f"/crm/contacts/{contact}/pipeline-status", json=wish)


async def standing(served: Served, caller: Caller, contact: str) -> list[tuple[str, str]]:
    answer = await served.ask(caller, "GET", f"/crm/contacts/{contact}/pipeline-status")
    return [(each["pipeline_id"], each["status_name"]) for each in answer.json()["data"]]


async def delete_contact(served: Served, caller: Caller, contact: str) -> None:
    async with served.parts.works.begin([caller.tenant_id]) as unit:
        key = (caller.tenant_id, str(caller.project_id), contact)
        work = work_of(unit)
        await project_contacts([(key, LifeChange(9, deleted=True))], work)


async def test_a_contact_enters_moves_and_leaves_and_history_remembers(served: Served, ana: Caller, knows: Any) -> None:
    pipeline, contact = await create(served, ana), await knows()

    entered = await move(served, ana, contact, pipeline, 0, value_amount=1500, currency="BRL")
    assert entered.status_code == 200, entered.text
    assert (entered.json()["previous_status_id"], entered.json()["new_status_name"]) == (None, "Novo")
    won = await move(served, ana, contact, pipeline, 2, reason="said yes", notes="by phone")
    assert (won.json()["previous_status_name"], won.json()["new_status_name"]) == ("Novo", "Ganho")

    (placement,) = (await served.ask(ana, "GET", f"/crm/contacts/{contact}/pipeline-status")).json()["data"]
    assert (placement["status_name"], placement["value_amount"], placement["currency"]) == ("Ganho", 1500, "BRL")
    assert (placement["changed_by"], placement["notes"]) == (f"user:{ana.subject}", "by phone")

    path = f"/crm/contacts/{contact}/pipeline-status?pipeline_id={pipeline['id']}"
    assert (await served.ask(ana, "DELETE", f"{path}&reason=done")).status_code == 204
    assert (await served.ask(ana, "DELETE", path)).status_code == 404
    assert await standing(served, ana, contact) == []

    history = (await served.ask(ana, "GET", f"/crm/contacts/{contact}/pipeline-history")).json()["data"]
    novo, ganho = pipeline["statuses"][0]["id"], pipeline["statuses"][2]["id"]
    assert [(each["from_status_id"], each["to_status_id"]) for each in history] == [(novo, ganho), (None, novo)]
    assert [each["duration_seconds"] for each in history] == [0, 0]
    said = [event for event in await served.said() if event.subject == contact]
    assert [event.type for event in said] == [
        "contact.entered_pipeline.v1",
        "contact.pipeline_status_changed.v1",
        "contact.pipeline_status_changed.v1",
        "contact.exited_pipeline.v1",
    ]
    moved, left = said[2], said[3]
    assert (moved.data.previous_status_name, moved.data.seconds_in_previous, moved.data.value_amount) == (
        "Novo",
        0,
        1500,
    )
    assert (left.data.last_status_name, left.data.reason, left.data.exited_by) == (
        "Ganho",
        "done",
        f"user:{ana.subject}",
    )
    assert {event.partitionkey for event in said} == {contact}


async def test_what_cannot_be_moved_is_refused_with_its_code(served: Served, ana: Caller, knows: Any) -> None:
    pipeline, other, contact = await create(served, ana), await create(served, ana, "Care"), await knows()
    await move(served, ana, contact, pipeline, 0)
    strange = await create(served, a_caller(new_id(), new_id()))
    elsewhere = await create(served, a_caller(ana.tenant_id, new_id()))

    async def refusal(where: Pipeline, status: int, **body: Any) -> tuple[int, str]:
        answer = await move(served, ana, contact, where, status, **body)
        return answer.status_code, answer.json()["code"]

    assert await refusal(pipeline, 0) == (409, "invalid_state")
    assert await refusal(pipeline, 1, status_id=other["statuses"][1]["id"]) == (422, "rule_violated")
    assert await refusal(strange, 1) == (404, "not_found")
    assert await refusal(elsewhere, 1) == (404, "not_found"), "another project of the same tenant"
    assert await refusal(pipeline, 1, value_amount=5) == (400, "validation_failed")
    assert await refusal(pipeline, 1, value_amount=-5, currency="BRL") == (400, "validation_failed")
    assert await refusal(pipeline, 1, currency="XXX", value_amount=5) == (400, "validation_failed")
    assert await refusal(pipeline, 1, reason="x" * 501) == (400, "validation_failed")
    path = f"/crm/pipelines/{pipeline['id']}"
    await served.ask(ana, "PATCH", f"{path}/statuses/{pipeline['statuses'][1]['id']}", json={"active": False})
    assert await refusal(pipeline, 1) == (409, "invalid_state")
    await served.ask(ana, "PATCH", path, json={"active": False})
    assert await refusal(pipeline, 2) == (409, "invalid_state")
    assert await standing(served, ana, contact) == [(pipeline["id"], "Novo")]


async def test_a_contact_on_its_way_is_waited_for_without_holding_a_transaction(
    served: Served, ana: Caller, knows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placements, "PATIENCE_S", 20.0)  # a busy machine needs longer to tell us of the contact
    pipeline, contact = await create(served, ana), new_id()

    async def nothing_is_open() -> bool:
        opened = await served.administrator.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"
        )
        return bool(opened == 0)

    waiting = asyncio.create_task(move(served, ana, contact, pipeline, 0))
    await asyncio.sleep(0.25)
    await eventually(nothing_is_open, within_s=5)
    assert not waiting.done()
    await knows(contact_id=contact)

    assert (await waiting).status_code == 200


async def test_a_contact_that_does_not_come_is_not_found_after_two_seconds(
    served: Served, ana: Caller, knows: Any
) -> None:
    pipeline, contact = await create(served, ana), await knows()
    await delete_contact(served, ana, contact)

    began = time.monotonic()
    answers = await asyncio.gather(
        *(move(served, ana, each, pipeline, 0) for each in (new_id(), contact)),
    )

    assert [answer.status_code for answer in answers] == [404, 404]
    assert time.monotonic() - began >= 2
    for path in (f"/crm/contacts/{contact}/pipeline-status", f"/crm/contacts/{contact}/pipeline-history"):
        assert (await served.ask(ana, "GET", path)).status_code == 404


async def test_many_are_moved_at_once_and_each_has_its_outcome(served: Served, ana: Caller, knows: Any) -> None:
    pipeline = await create(served, ana)
    here, there, gone = await knows("A"), await knows("B"), new_id()
    await move(served, ana, there, pipeline, 1)

    answer = await served.ask(
        ana,
        "POST",
        f"/crm/pipelines/{pipeline['id']}/contacts/move",
        json={"contact_ids": [here, there, gone], "status_id": pipeline["statuses"][1]["id"], "reason": "all"},
    )

    assert answer.status_code == 200
    assert [(each["contact_id"], each["status"]) for each in answer.json()["data"]] == [
        (here, "ok"),
        (there, "unchanged"),
        (gone, "error"),
    ]
    assert answer.json()["data"][2]["error"]["code"] == "not_found"
    assert await standing(served, ana, here) == [(pipeline["id"], "Em atendimento")]
    too_many = {"contact_ids": [new_id()] * 101, "status_id": new_id()}
    refused = await served.ask(ana, "POST", f"/crm/pipelines/{pipeline['id']}/contacts/move", json=too_many)
    assert refused.status_code == 400


async def test_moves_of_one_contact_at_once_follow_each_other(served: Served, ana: Caller, knows: Any) -> None:
    pipeline, contact = await create(served, ana), await knows()

    answers = await asyncio.gather(*(move(served, ana, contact, pipeline, n % 4) for n in range(12)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    moved = sum(answer.status_code == 200 for answer in answers)
    rows = await served.administrator.fetch("select * from pipeline_automation.placements order by entered_at, id")
    assert len(rows) == moved
    assert [row["exited_at"] for row in rows[:-1]] == [row["entered_at"] for row in rows[1:]]
    assert rows[-1]["exited_at"] is None
    said = [event.type for event in await served.said() if event.subject == contact]
    assert said.count("contact.entered_pipeline.v1") == 1
    assert said.count("contact.pipeline_status_changed.v1") == moved


async def test_a_board_shows_its_cards_filtered_and_in_pages(served: Served, ana: Caller, knows: Any) -> None:
    pipeline = await create(served, ana)
    contacts = {name: await knows(name, phone="+5511987654321", tags=("vip",)) for name in ("bia", "Ana", "Caio")}
    for name, contact in contacts.items():
        await move(served, ana, contact, pipeline, 1 if name == "Caio" else 0)
    hidden = await knows("Gone")
    await move(served, ana, hidden, pipeline, 0)
    await delete_contact(served, ana, hidden)
    board = f"/crm/pipelines/{pipeline['id']}/contacts"

    first = (await served.ask(ana, "GET", f"{board}?sort=name&limit=2")).json()
    rest = (await served.ask(ana, "GET", f"{board}?sort=name&limit=2&cursor={first['next_cursor']}")).json()
    assert [card["contact"]["name"] for card in first["data"] + rest["data"]] == ["Ana", "bia", "Caio"]
    assert first["data"][0]["contact"]["tags"] == ["vip"]
    one = await served.ask(ana, "GET", f"{board}?status_id={pipeline['statuses'][1]['id']}")
    assert [card["contact"]["id"] for card in one.json()["data"]] == [contacts["Caio"]]
    whole = (await served.ask(ana, "GET", f"/crm/pipelines/{pipeline['id']}")).json()
    assert (whole["contact_count"], [each["contact_count"] for each in whole["statuses"]]) == (3, [2, 1, 0, 0])


async def test_what_is_in_use_is_not_deleted_and_the_refusal_names_its_users(
    served: Served, ana: Caller, knows: Any
) -> None:
    pipeline, contact = await create(served, ana), await knows()
    await move(served, ana, contact, pipeline, 0)
    channel = KnownChannel(
        tenant_id=ana.tenant_id,
        project_id=str(ana.project_id),
        id=new_id(),
        name="Sales",
        type="waha",
        pipeline_id=pipeline["id"],
        version=1,
    )
    async with served.parts.works.begin([ana.tenant_id]) as unit:
        await work_of(unit).surroundings.keep_channels([channel])
    path = f"/crm/pipelines/{pipeline['id']}"

    both = await served.ask(ana, "DELETE", path)
    assert (both.status_code, both.json()["code"]) == (409, "not_empty")
    assert both.json()["used_by"] == {"placements": 1, "channels": 1}
    await delete_contact(served, ana, contact)
    assert (await served.ask(ana, "DELETE", path)).json()["used_by"] == {"channels": 1}
    async with served.parts.works.begin([ana.tenant_id]) as unit:
        await work_of(unit).surroundings.drop_channels([(ana.tenant_id, str(ana.project_id), channel.id)])

    assert (await served.ask(ana, "DELETE", path)).status_code == 204
    last = [event for event in await served.said() if event.subject == contact][-1]
    assert (last.type, last.data.reason) == ("contact.exited_pipeline.v1", "the pipeline was deleted")
    assert (
        await served.administrator.fetchval(
            "select count(*) from pipeline_automation.placements where exited_at is null"
        )
        == 0
    )


@pytest.mark.parametrize("target", [1, None])
async def test_a_status_is_removed_when_those_in_it_have_somewhere_to_go(
    served: Served, ana: Caller, knows: Any, target: int | None
) -> None:
    pipeline, other = await create(served, ana), await create(served, ana, "Care")
    contacts = [await knows(str(n)) for n in range(3)]
    for contact in contacts:
        await move(served, ana, contact, pipeline, 2)
    path = f"/crm/pipelines/{pipeline['id']}/statuses/{pipeline['statuses'][2]['id']}"
    if target is None:
        refused = await served.ask(ana, "DELETE", path)
        assert (refused.status_code, refused.json()["code"]) == (409, "not_empty")
        assert refused.json()["used_by"] == {"placements": 3}
        for wrong in (other["statuses"][0]["id"], pipeline["statuses"][2]["id"], new_id()):
            refused = await served.ask(ana, "DELETE", f"{path}?move_to_status_id={wrong}")
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "?move_to_status_id")
        return

    done = await served.ask(ana, "DELETE", f"{path}?move_to_status_id={pipeline['statuses'][target]['id']}")

    assert done.status_code == 204
    for contact in contacts:
        assert await standing(served, ana, contact) == [(pipeline["id"], "Em atendimento")]
    said = await served.said()
    assert [event.type for event in said].count("contact.pipeline_status_changed.v1") == 6
    assert said[-1].data.moved_to_status_id == pipeline["statuses"][target]["id"]


async def test_numbers_tell_who_came_who_went_and_who_went_on(served: Served, ana: Caller, knows: Any) -> None:
    pipeline = await create(served, ana)
    for path in ((0, 1, 2), (0, 3), (0,)):
        contact = await knows()
        for status in path:
            await move(served, ana, contact, pipeline, status)

    stats = (await served.ask(ana, "GET", f"/crm/pipelines/{pipeline['id']}/stats")).json()
    seen = [(each["count"], each["entered"], each["left"], each["conversion_rate"]) for each in stats["statuses"]]
    assert seen == [(1, 3, 2, 0.5), (0, 1, 1, 1.0), (1, 1, 0, None), (1, 1, 0, None)]
    assert (stats["won"], stats["lost"]) == (1, 1)
    before = await served.ask(ana, "GET", f"/crm/pipelines/{pipeline['id']}/stats?to=2020-01-01T00:00:00Z")
    assert {each["entered"] for each in before.json()["statuses"]} == {0}


async def test_another_tenant_neither_sees_nor_moves(served: Served, ana: Caller, knows: Any) -> None:
    stranger = a_caller(new_id(), new_id())
    pipeline, contact = await create(served, ana), await knows()
    theirs = await create(served, stranger)
    await move(served, ana, contact, pipeline, 0)

    moved = await move(served, stranger, contact, theirs, 0)
    path = f"/crm/contacts/{contact}/pipeline-status"
    taken_out = await served.ask(stranger, "DELETE", f"{path}?pipeline_id={pipeline['id']}")
    bulk = {"contact_ids": [contact], "status_id": theirs["statuses"][0]["id"]}
    many = await served.ask(stranger, "POST", f"/crm/pipelines/{theirs['id']}/contacts/move", json=bulk)

    assert (moved.status_code, taken_out.status_code) == (404, 404)
    assert many.json()["data"][0]["status"] == "error"
    assert (await served.ask(stranger, "GET", path)).status_code == 404
    assert await standing(served, ana, contact) == [(pipeline["id"], "Novo")]


async def test_a_viewer_looks_and_does_not_move(served: Served, ana: Caller, knows: Any) -> None:
    pipeline, contact = await create(served, ana), await knows()
    viewer = a_caller(ana.tenant_id, ana.project_id, role="viewer")

    assert (await move(served, viewer, contact, pipeline, 0)).status_code == 403
    assert await standing(served, viewer, contact) == []
    agent = a_caller(ana.tenant_id, ana.project_id, role="agent")
    assert (await move(served, agent, contact, pipeline, 0)).status_code == 200
