"""Whether an agent is there: its person says so, or whoever manages members; nothing else does."""

from dataclasses import replace
from typing import Any

BIA = "bia@example.com"


def at(agent: dict[str, Any]) -> str:
    return f"/crm/agents/{agent['id']}"


async def say(house: Any, by: Any, agent: dict[str, Any], status: str, **headers: str) -> Any:
    return await house.served.ask(by, "PUT", f"{at(agent)}/status", json={"status": status}, headers=headers)


async def test_one_says_of_oneself_whatever_one_is_after_whatever_one_was(house: Any) -> None:
    owner = house.owner(await house.register())
    _, bia = await house.joined(owner, BIA, "agent")
    agent = await house.agent_of(owner, bia.subject)
    before = len(await house.served.said())
    statuses = ["available", "available", "busy", "away", "offline", "busy"]

    answers = [await say(house, bia, agent, status) for status in statuses]

    assert [each.json()["status"] for each in answers] == statuses
    assert [each.json()["version"] for each in answers] == [2, 2, 3, 4, 5, 6]
    assert answers[-1].json()["last_activity_at"] == house.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    said = (await house.served.said())[before:]
    assert [(event.type, event.data.old, event.data.new, event.data.changed_by) for event in said] == [
        ("agent.status_changed.v1", old, new, bia.subject)
        for old, new in (
            ("offline", "available"),
            ("available", "busy"),
            ("busy", "away"),
            ("away", "offline"),
            ("offline", "busy"),
        )
    ]
    (entry, *_) = [each.data for each in await house.served.audited() if each.data.action == "set_agent_status"]
    assert (entry.object_id, entry.changes["status"]) == (agent["id"], {"from": "offline", "to": "available"})


async def test_an_admin_says_it_of_others_and_a_key_of_its_makers_own(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    _, bia = await house.joined(owner, BIA, "supervisor")
    key = (await house.served.ask(bia, "POST", "/auth/api-keys", json={"name": "mine"})).json()["api_key"]
    agent, others = await house.agent_of(owner, bia.subject), await house.agent_of(owner, owner.subject)

    by_admin = await say(house, owner, agent, "away")
    assert ((await house.served.said())[-1].data.changed_by, by_admin.status_code) == (made["user_id"], 200)
    by_key = await say(house, await house.holder(key), agent, "available", **{"If-Match": '"2"'})
    assert ((await house.served.said())[-1].data.changed_by, by_key.status_code) == (bia.subject, 200)
    refused = await say(house, bia, others, "available")
    assert (refused.status_code, refused.json()["required"]) == (403, "members.manage")
    narrowed = replace(owner, permissions=frozenset(("members.view",)), owner=False)
    assert (await say(house, narrowed, others, "available")).status_code == 200, "it is their own"
    assert (await say(house, narrowed, agent, "offline")).status_code == 403
    assert (await say(house, owner, agent, "offline", **{"If-Match": '"2"'})).status_code == 412
    assert (await say(house, owner, agent, "asleep")).json()["errors"][0]["pointer"] == "/status"


async def test_who_rests_is_offline(house: Any) -> None:
    owner = house.owner(await house.register())
    member_id, bia = await house.joined(owner, BIA, "agent")
    agent, bot = await house.agent_of(owner, bia.subject), await house.made_agent(owner)
    await say(house, bia, agent, "available")
    member = f"/crm/projects/{owner.project_id}/members/{member_id}"
    await house.served.ask(owner, "PATCH", member, json={"role": "viewer"})
    await house.served.ask(owner, "PATCH", at(bot), json={"active": False})

    for by, each in ((bia, agent), (owner, bot)):
        refused = await say(house, by, each, "available")
        assert (refused.status_code, refused.json()["current_state"]) == (409, "inactive")
        assert (await say(house, by, each, "offline")).json()["status"] == "offline"
