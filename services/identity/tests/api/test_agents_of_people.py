"""People as agents: theirs comes from the membership, also where somebody makes, rests or deletes it by hand."""

import asyncio
from typing import Any

from kernel.ids import new_id

BIA, EDU = "bia@example.com", "edu@example.com"


def at(agent: dict[str, Any]) -> str:
    return f"/crm/agents/{agent['id']}"


async def change(house: Any, by: Any, agent: dict[str, Any], wanted: dict[str, Any]) -> Any:
    return await house.served.ask(by, "PATCH", at(agent), json=wanted)


async def changed_membership(house: Any, events: int = 1) -> list[tuple[Any, ...]]:
    """Return what gateways hear at the end: whose, as what, and as which agent."""
    said = (await house.served.said())[-events:]
    assert {event.type for event in said} == {"project_member.role_changed.v1"}
    assert all(event.data.old_role == event.data.new_role for event in said)
    return [(event.data.user_id, event.data.new_role, event.data.agent_id) for event in said]


async def test_a_human_agent_is_a_member_of_the_project_who_attends(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    stranger = await house.register("eva@example.com")
    _, viewer = await house.joined(owner, BIA, "viewer")
    _, edu = await house.joined(owner, EDU, "agent", create_agent=False)
    body = {"name": "Edu", "email": EDU}

    async def ask(**more: Any) -> Any:
        return await house.served.ask(owner, "POST", "/crm/agents", json={**body, **more})

    for wanted, code in (
        ({}, "missing"),
        ({"user_id": new_id()}, "not_found"),
        ({"user_id": stranger["user_id"]}, "not_found"),
        ({"user_id": viewer.subject}, "not_allowed"),
    ):
        refused = (await ask(**wanted)).json()["errors"]
        assert [(each["pointer"], each["code"]) for each in refused] == [("/user_id", code)]
    nobody = await house.served.ask(owner, "POST", "/crm/agents", json={"name": "x"})
    assert [each["pointer"] for each in nobody.json()["errors"]] == ["/email", "/user_id"]

    agent = await ask(user_id=edu.subject)

    assert (agent.status_code, agent.json()["type"], agent.json()["user_id"]) == (201, "human", edu.subject)
    assert await changed_membership(house) == [(edu.subject, "agent", agent.json()["id"])]
    assert house.claims((await house.log_in(EDU)).json())["agt"] == {owner.project_id: agent.json()["id"]}
    twice = await ask(user_id=edu.subject)
    assert (twice.status_code, twice.json()["code"]) == (409, "already_exists")
    for cleared in ("user_id", "email"):
        answer = await change(house, owner, agent.json(), {cleared: None})
        assert answer.json()["errors"][0] == {
            "pointer": f"/{cleared}",
            "code": "missing",
            "detail": "required of a person",
        }


async def test_a_persons_agent_that_rests_by_hand_is_theirs_no_more_until_it_is_woken(house: Any) -> None:
    owner = house.owner(await house.register())
    _, bia = await house.joined(owner, BIA, "supervisor")
    agent = await house.agent_of(owner, bia.subject)

    await change(house, owner, agent, {"active": False})

    assert await changed_membership(house) == [(bia.subject, "supervisor", None)]
    assert house.claims((await house.log_in(BIA)).json())["agt"] == {}
    await change(house, owner, agent, {"active": True})
    assert await changed_membership(house) == [(bia.subject, "supervisor", agent["id"])]
    assert house.claims((await house.log_in(BIA)).json())["agt"] == {owner.project_id: agent["id"]}


async def test_an_agent_that_rests_with_a_membership_is_not_woken_by_hand_and_comes_back_with_it(house: Any) -> None:
    owner = house.owner(await house.register())
    member_id, bia = await house.joined(owner, BIA, "agent")
    agent = await house.agent_of(owner, bia.subject)
    member = f"/crm/projects/{owner.project_id}/members/{member_id}"
    await house.served.ask(owner, "PATCH", member, json={"role": "viewer"})

    for _ in ("a viewer", "gone"):
        refused = await change(house, owner, agent, {"active": True})
        assert (refused.status_code, refused.json()["rule"]) == (422, "agent_rests_with_membership")
        await house.served.ask(owner, "DELETE", member)
    assert (await change(house, owner, agent, {"department": "Away"})).status_code == 200
    _, token = await house.invited(owner, BIA, "agent")
    assert (await house.accept(token, bia)).status_code == 200

    back = await house.agent_of(owner, bia.subject)
    assert (back["id"], back["active"], back["department"]) == (agent["id"], True, "Away")


async def test_an_agent_may_become_another_members(house: Any) -> None:
    owner = house.owner(await house.register())
    _, bia = await house.joined(owner, BIA, "agent")
    _, edu = await house.joined(owner, EDU, "agent", create_agent=False)
    agent = await house.agent_of(owner, bia.subject)
    other = await house.agent_of(owner, owner.subject)

    taken = await change(house, owner, other, {"user_id": bia.subject})
    assert (taken.status_code, taken.json()["code"]) == (409, "already_exists")
    answer = await change(house, owner, agent, {"user_id": edu.subject, "email": EDU})

    assert answer.status_code == 200, answer.text
    assert await changed_membership(house, 2) == [(bia.subject, "agent", None), (edu.subject, "agent", agent["id"])]
    stranger = await change(house, owner, agent, {"user_id": new_id()})
    assert stranger.json()["errors"][0]["code"] == "not_found"


async def test_a_deleted_agent_is_gone_and_its_person_can_have_another(house: Any) -> None:
    owner = house.owner(await house.register())
    member_id, bia = await house.joined(owner, BIA, "agent")
    agent = await house.agent_of(owner, bia.subject)
    assignment = {"agent_assignment": {"enabled": True, "agent_ids": [agent["id"]]}}
    project = f"/crm/projects/{owner.project_id}"
    assert (await house.served.ask(owner, "PATCH", project, json=assignment)).status_code == 200

    stale = await house.served.ask(owner, "DELETE", at(agent), headers={"If-Match": '"9"'})
    answer = await house.served.ask(owner, "DELETE", at(agent), headers={"If-Match": '"1"'})

    assert (stale.status_code, answer.status_code) == (412, 204)
    said = await house.served.said()
    assert (said[-2].type, said[-2].data.agent_id) == ("agent.deleted.v1", agent["id"])
    assert await changed_membership(house) == [(bia.subject, "agent", None)]
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        gone = await house.served.ask(owner, method, at(agent), **({"json": body} if body else {}))
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert agent["id"] not in [each["id"] for each in await house.agents(owner)]
    asked_for = await house.agents(owner, "?include_deleted=true")
    assert [each["id"] for each in asked_for if each["deleted_at"]] == [agent["id"]]
    members = (await house.served.ask(owner, "GET", f"{project}/members")).json()["data"]
    assert [each["agent_id"] for each in members if each["id"] == member_id] == [None]
    assert house.claims((await house.log_in(BIA)).json())["agt"] == {}
    renamed = await house.served.ask(owner, "PATCH", project, json={"name": "Shop"})
    assert renamed.status_code == 200, "a project that still names it can be changed otherwise"
    again = await house.served.ask(owner, "PATCH", project, json=assignment)
    assert again.status_code == 400, "conversations are given to nobody who is gone"

    for role in ("viewer", "agent"):
        await house.served.ask(owner, "PATCH", f"{project}/members/{member_id}", json={"role": role})
    fresh = await house.agent_of(owner, bia.subject)
    assert (fresh["active"], fresh["id"] == agent["id"]) == (True, False)


async def test_two_who_make_the_same_persons_agent_make_one(house: Any) -> None:
    owner = house.owner(await house.register())
    _, edu = await house.joined(owner, EDU, "agent", create_agent=False)
    body = {"name": "Edu", "email": EDU, "user_id": edu.subject}

    answers = await asyncio.gather(*(house.served.ask(owner, "POST", "/crm/agents", json=body) for _ in range(3)))
    bot = {"name": "Greeter", "type": "bot"}
    key = {"Idempotency-Key": "one-bot"}
    bots = [await house.served.ask(owner, "POST", "/crm/agents", json=bot, headers=key) for _ in range(2)]

    assert sorted(each.status_code for each in answers) == [201, 409, 409]
    assert bots[0].json() == bots[1].json()
    assert len(await house.agents(owner, "?type=bot")) == 1
