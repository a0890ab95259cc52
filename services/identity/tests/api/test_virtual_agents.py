"""Virtual agents: they stand for somebody of the past, and are never there."""

from typing import Any

import pytest

DAVI = {
    "represents_person_name": "Davi Nunes",
    "period_start": "2025-01-01T00:00:00-03:00",
    "reason": "imported history",
}
END = {"period_end": "2025-06-30T12:00:00Z"}


def at(agent: dict[str, Any]) -> str:
    return f"/crm/agents/{agent['id']}"


async def stand_in(house: Any, by: Any, **more: Any) -> dict[str, Any]:
    answer = await house.served.ask(by, "POST", "/crm/agents/virtual", json={**DAVI, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def end(house: Any, by: Any, agent: dict[str, Any], body: Any = END, **headers: str) -> Any:
    return await house.served.ask(by, "PUT", f"{at(agent)}/virtual/end-period", json=body, headers=headers)


async def test_somebody_of_the_past_is_shown_as_that_and_has_no_status(house: Any) -> None:
    owner = house.owner(await house.register())

    made = await stand_in(house, owner, notes="left in June", source_device="the old phone")

    assert (made["type"], made["name"], made["status"], made["user_id"]) == (
        "virtual",
        "[Virtual] Davi Nunes",
        None,
        None,
    )
    assert made["virtual"] == {
        "represents_person_name": "Davi Nunes",
        "period_start": "2025-01-01T03:00:00.000Z",
        "period_end": None,
        "reason": "imported history",
        "source_device": "the old phone",
        "notes": "left in June",
    }
    event = (await house.served.said())[-1]
    assert (event.type, event.data.type, event.data.status) == ("agent.created.v1", "virtual", "offline")
    entry = (await house.served.audited())[-1].data
    assert (entry.action, entry.object_id) == ("create_virtual_agent", made["id"])
    renamed = await house.served.ask(owner, "PATCH", at(made), json={"name": "Davi N."})
    assert renamed.json()["name"] == "[Virtual] Davi N."


async def test_a_period_ends_once_and_after_it_began(house: Any) -> None:
    owner = house.owner(await house.register())
    made = await stand_in(house, owner)

    for early in ("2025-01-01T03:00:00Z", "2024-12-31T00:00:00Z"):
        refused = await end(house, owner, made, {"period_end": early})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/period_end")
    assert (await end(house, owner, made, **{"If-Match": '"7"'})).status_code == 412
    ended = await end(house, owner, made, **{"If-Match": '"1"'})

    assert (ended.status_code, ended.json()["version"]) == (200, 2)
    assert ended.json()["virtual"] == {**made["virtual"], "period_end": "2025-06-30T12:00:00.000Z"}
    event = (await house.served.said())[-1]
    assert (event.type, event.data.changed, event.data.version) == ("agent.updated.v1", ("virtual",), 2)
    again = await end(house, owner, made)
    assert (again.status_code, again.json()["current_state"]) == (409, "ended")
    assert (await end(house, owner, await house.made_agent(owner))).json()["rule"] == "not_virtual"


async def test_it_is_never_there_and_never_given_anything(house: Any) -> None:
    owner = house.owner(await house.register())
    made = await stand_in(house, owner)

    status = await house.served.ask(owner, "PUT", f"{at(made)}/status", json={"status": "available"})
    assert (status.status_code, status.json()["rule"]) == (422, "virtual_has_no_status")
    body = {"agent_assignment": {"enabled": True, "agent_ids": [made["id"]]}}
    assigned = await house.served.ask(owner, "PATCH", f"/crm/projects/{owner.project_id}", json=body)
    assert assigned.json()["errors"][0]["pointer"] == "/agent_assignment/agent_ids"
    somebody = await house.served.ask(owner, "PATCH", at(made), json={"user_id": owner.subject})
    assert somebody.json()["errors"][0]["pointer"] == "/user_id"


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"represents_person_name": "x" * 201}, "/represents_person_name"),
        ({"represents_person_name": " "}, "/represents_person_name"),
        ({"period_start": "2025-01-01T00:00:00"}, "/period_start"),
        ({"reason": ""}, "/reason"),
        ({"period_end": "2025-06-30T12:00:00Z"}, "/period_end"),
    ],
)
async def test_what_cannot_be_is_refused_and_named(house: Any, wanted: Any, pointer: str) -> None:
    owner = house.owner(await house.register())

    answer = await house.served.ask(owner, "POST", "/crm/agents/virtual", json={**DAVI, **wanted})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
