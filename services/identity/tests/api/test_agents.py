"""Agents: made, changed and deleted by whoever manages members, with what they may be and may not."""

from dataclasses import replace
from typing import Any

import pytest
from kernel.ids import new_id

BIA = "bia@example.com"
BOT = {"name": "Greeter", "type": "bot", "role": "channel_bot"}
SYSTEM = ["Broadcast", "Default", "Scheduled", "Sequence", "Test", "Trigger", "Webhook"]


def at(agent: dict[str, Any]) -> str:
    return f"/crm/agents/{agent['id']}"


async def names(house: Any, by: Any, query: str) -> list[str]:
    return [each["name"] for each in await house.agents(by, query)]


async def change(house: Any, by: Any, agent: dict[str, Any], wanted: dict[str, Any], **headers: str) -> Any:
    return await house.served.ask(by, "PATCH", at(agent), json=wanted, headers=headers)


async def test_a_bot_is_made_with_what_is_usual_and_told_to_everybody(house: Any) -> None:
    owner = house.owner(await house.register())

    answer = await house.served.ask(owner, "POST", "/crm/agents", json=BOT)

    made = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert answer.headers["location"] == f"/api/v1{at(made)}"
    for name, value in {
        **BOT,
        "user_id": None,
        "email": None,
        "phone": None,
        "department": None,
        "virtual": None,
        "system": False,
        "skills": [],
        "languages": [],
        "max_sessions": 10,
        "status": "offline",
        "active": True,
        "settings": {},
        "config": {},
        "last_activity_at": None,
        "last_login_at": None,
        "project_id": owner.project_id,
    }.items():
        assert made[name] == value, name
    assert [name for name, given in made["permissions"].items() if not given] == [
        "reassign_sessions",
        "view_all_sessions",
    ]
    event = (await house.served.said())[-1]
    assert (event.type, event.subject, event.projectid) == ("agent.created.v1", made["id"], owner.project_id)
    told = (event.data.type, event.data.role, event.data.name, event.data.project_id, event.data.version)
    assert told == ("bot", "channel_bot", "Greeter", owner.project_id, 1)
    assert (await house.served.ask(owner, "GET", at(made))).json() == made


async def test_of_all_that_may_be_said_of_an_agent_nothing_is_lost(house: Any) -> None:
    owner = house.owner(await house.register())
    wanted = {
        "name": "Reader",
        "type": "ai",
        "role": "summarizer_bot",
        "email": "reader@example.com",
        "phone": "+55 (11) 98765-4321",
        "department": "Back office",
        "max_sessions": 500,
        "skills": ["sales", "refunds", "sales"],
        "languages": ["pt-BR", "en"],
        "settings": {"tone": "warm"},
        "config": {"model": {"name": "m", "threshold": 0.5}},
        "permissions": {"view_all_sessions": True, "send_messages": False},
    }

    made = await house.made_agent(owner, **wanted)

    kept = {**wanted, "phone": "+5511987654321", "skills": ["sales", "refunds"]}
    assert {name: made[name] for name in kept if name != "permissions"} == {
        name: value for name, value in kept.items() if name != "permissions"
    }
    given = {name for name, given in made["permissions"].items() if given}
    assert given == {"view_all_sessions", "access_analytics", "manage_agents", "manage_automations"}
    event = (await house.served.said())[-1]
    assert set(event.data.permissions) == given
    assert (event.data.skills, event.data.languages) == (("sales", "refunds"), ("pt-BR", "en"))
    (entry,) = [each.data for each in await house.served.audited() if each.data.action == "create_agent"]
    assert (entry.object_type, entry.object_id) == ("agent", made["id"])
    assert {"settings", "config"} & set(entry.changes) == set(), "nobody knows what programs keep there"


async def test_agents_are_listed_sorted_filtered_and_paged_with_those_of_the_system_among_them(house: Any) -> None:
    owner = house.owner(await house.register())
    await house.made_agent(owner, name="Zoe", skills=["sales"], languages=["pt-BR"], role="ai_agent", type="ai")
    house.pass_time(minutes=1)
    bot = await house.made_agent(owner, name="Bot", skills=["refunds"], languages=["en", "es"])
    await change(house, owner, bot, {"active": False})
    await house.served.ask(
        owner, "PUT", f"{at(await house.agent_of(owner, owner.subject))}/status", json={"status": "busy"}
    )

    system = [f"{each} agent" for each in SYSTEM]
    assert await names(house, owner, "") == sorted(["Ana Lima", "Bot", "Zoe", *system])
    assert await names(house, owner, "?type=system") == system
    assert await names(house, owner, "?type=ai,bot&sort=-name") == ["Zoe", "Bot"]
    assert await names(house, owner, "?type=ai,bot,human&sort=-created_at") == ["Bot", "Zoe", "Ana Lima"]
    assert (await names(house, owner, "?sort=-last_activity_at"))[0] == "Ana Lima"
    assert await names(house, owner, "?active=false") == ["Bot"]
    assert await names(house, owner, "?status=busy,away") == ["Ana Lima"]
    assert await names(house, owner, "?status=offline") == ["Bot", "Zoe"], (
        "those of the system are neither there nor away"
    )
    assert await names(house, owner, "?skill=sales,refunds") == ["Bot", "Zoe"]
    assert await names(house, owner, "?language=es") == ["Bot"]
    assert await names(house, owner, "?role=ai_agent,human_agent") == ["Ana Lima", "Zoe"]
    walked, cursor = [], ""
    for _ in range(4):
        page = (await house.served.ask(owner, "GET", f"/crm/agents?limit=3&include=total_count{cursor}")).json()
        walked += [each["name"] for each in page["data"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert (walked, page["has_more"], page["total_count"]) == (await names(house, owner, ""), False, 10)
    for query in ("?sort=email", "?type=ghost", "?status=there", "?queue_id=" + new_id(), "?limit=101"):
        assert (await house.served.ask(owner, "GET", f"/crm/agents{query}")).status_code == 400


async def test_an_agent_is_found_by_name_before_address(house: Any) -> None:
    owner = house.owner(await house.register(email="first@bistro.example.com"))
    await house.made_agent(owner, name="At Bistro")
    await house.made_agent(owner, name="Bistro bot")

    found = (await house.served.ask(owner, "GET", "/crm/agents/search?q=BISTRO")).json()["data"]

    assert [(each["name"], each["match_score"], each["match_field"]) for each in found] == [
        ("Bistro bot", 3, "name"),
        ("At Bistro", 1.5, "name"),
        ("Ana Lima", 1.3, "email"),
    ]
    assert (await house.served.ask(owner, "GET", "/crm/agents/search?q=a")).status_code == 400


async def test_a_change_is_told_with_what_is_other_and_the_same_again_is_not(house: Any) -> None:
    owner = house.owner(await house.register())
    made = await house.made_agent(owner, department="Sales", skills=["a"])
    wanted = {"name": "Doorman", "department": None, "permissions": {"reassign_sessions": True}, "skills": ["a"]}

    answer = await change(house, owner, made, wanted, **{"If-Match": '"1"'})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.headers["etag"]) == (2, '"2"')
    assert (answer.json()["name"], answer.json()["department"]) == ("Doorman", None)
    assert answer.json()["permissions"] == {**made["permissions"], "reassign_sessions": True}
    event = (await house.served.said())[-1]
    assert (event.type, event.data.version, event.data.name) == ("agent.updated.v1", 2, "Doorman")
    assert event.data.changed == ("department", "name", "permissions")
    before = len(await house.served.said())
    assert (await change(house, owner, made, wanted)).json()["version"] == 2
    assert len(await house.served.said()) == before
    stale = await change(house, owner, made, {"name": "x"}, **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    unchanged = await house.served.ask(owner, "GET", at(made), headers={"If-None-Match": '"2"'})
    assert unchanged.status_code == 304


async def test_a_bot_rests_offline_and_goes_on(house: Any) -> None:
    owner = house.owner(await house.register())
    made = await house.made_agent(owner)
    await house.served.ask(owner, "PUT", f"{at(made)}/status", json={"status": "available"})
    before = len(await house.served.said())

    for active in (False, False, True):
        answer = await change(house, owner, made, {"active": active})
        assert (answer.json()["active"], answer.json()["status"]) == (active, "offline")

    said = (await house.served.said())[before:]
    assert [event.type for event in said] == ["agent.deactivated.v1", "agent.activated.v1"]


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"name": None}, "/name"),
        ({"name": " "}, "/name"),
        ({"role": "emperor"}, "/role"),
        ({"max_sessions": 0}, "/max_sessions"),
        ({"max_sessions": 501}, "/max_sessions"),
        ({"skills": [str(number) for number in range(51)]}, "/skills"),
        ({"skills": ["x" * 51]}, "/skills/0"),
        ({"languages": ["pt-BR", "brazilian"]}, "/languages/1"),
        ({"permissions": {"fly": True}}, "/permissions/fly"),
        ({"permissions": {"send_messages": None}}, "/permissions/send_messages"),
        ({"permissions": None}, "/permissions"),
        ({"settings": {"x": "y" * 33_000}}, "/settings"),
        ({"config": {"x": "y" * 33_000}}, "/config"),
        ({"phone": "11 98765-4321"}, "/phone"),
        ({"user_id": new_id()}, "/user_id"),
        ({"system": True}, "/system"),
    ],
)
async def test_what_cannot_be_is_refused_and_named(house: Any, wanted: Any, pointer: str) -> None:
    owner = house.owner(await house.register())
    made = await house.made_agent(owner)

    for answer in (
        await change(house, owner, made, wanted),
        await house.served.ask(owner, "POST", "/crm/agents", json={**BOT, **wanted}),
    ):
        assert answer.status_code == 400, answer.text
        assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert (await house.served.ask(owner, "GET", at(made))).json()["version"] == 1


async def test_kinds_are_chosen_once_and_virtual_and_system_ones_are_made_elsewhere(house: Any) -> None:
    owner = house.owner(await house.register())
    made = await house.made_agent(owner)

    for kind in ("virtual", "system", "ghost"):
        answer = await house.served.ask(owner, "POST", "/crm/agents", json={**BOT, "type": kind})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/type")
    assert (await change(house, owner, made, {"type": "ai"})).json()["errors"][0]["code"] == "unknown_field"


@pytest.mark.parametrize("role", ["viewer", "agent", "supervisor"])
async def test_who_does_not_manage_members_sees_agents_and_changes_none(house: Any, role: str) -> None:
    owner = house.owner(await house.register())
    bot = await house.made_agent(owner)
    _, caller = await house.joined(owner, BIA, role)

    assert await names(house, caller, "?type=bot") == ["Greeter"]
    assert (await house.served.ask(caller, "GET", at(bot))).status_code == 200
    for method, path, body in (
        ("POST", "/crm/agents", BOT),
        ("PATCH", at(bot), {"name": "x"}),
        ("DELETE", at(bot), None),
        ("PUT", f"{at(bot)}/status", {"status": "away"}),
        ("POST", "/crm/agents/virtual", {"represents_person_name": "x"}),
        ("PUT", f"{at(bot)}/virtual/end-period", {"period_end": "2026-01-01T00:00:00Z"}),
    ):
        answer = await house.served.ask(caller, method, path, **({"json": body} if body else {}))
        assert (answer.status_code, answer.json()["required"]) == (403, "members.manage"), path


async def test_of_another_tenant_and_another_project_there_is_nothing(house: Any) -> None:
    owner, stranger = house.owner(await house.register()), house.owner(await house.register("eva@example.com"))
    bot = await house.made_agent(owner)
    second = (await house.served.ask(owner, "POST", "/crm/projects", json={"name": "Second"})).json()["id"]

    for caller in (stranger, replace(owner, project_id=second), replace(stranger, project_id=owner.project_id)):
        for method, path, body in (
            ("GET", at(bot), None),
            ("PATCH", at(bot), {"name": "mine"}),
            ("DELETE", at(bot), None),
            ("PUT", f"{at(bot)}/status", {"status": "away"}),
            ("PUT", f"{at(bot)}/virtual/end-period", {"period_end": "2026-01-01T00:00:00Z"}),
        ):
            answer = await house.served.ask(caller, method, path, **({"json": body} if body else {}))
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert await names(house, caller, "?type=bot") == []
    assert (await house.served.ask(owner, "GET", at(bot))).json() == bot


async def test_every_tenant_sees_the_systems_agents_and_nobody_changes_them(house: Any) -> None:
    ana, eva = house.owner(await house.register()), house.owner(await house.register("eva@example.com"))

    of_ana, of_eva = await house.agents(ana, "?type=system"), await house.agents(eva, "?type=system")

    digits = ("01", "02", "03", "04", "05", "10", "99")
    assert sorted(each["id"][-2:] for each in of_eva) == list(digits)
    assert [{**each, "tenant_id": None} for each in of_ana] == [{**each, "tenant_id": None} for each in of_eva]
    before = len(await house.served.said())
    for each in of_eva:
        assert (each["system"], each["status"], each["project_id"]) == (True, None, None)
        assert (await house.served.ask(eva, "GET", at(each))).json() == each
        for method, path, body in (
            ("PATCH", at(each), {"name": "mine"}),
            ("DELETE", at(each), None),
            ("PUT", f"{at(each)}/status", {"status": "available"}),
            ("PUT", f"{at(each)}/virtual/end-period", {"period_end": "2026-01-01T00:00:00Z"}),
        ):
            answer = await house.served.ask(eva, method, path, **({"json": body} if body else {}))
            assert (answer.status_code, answer.json()["rule"]) == (422, "system_agent"), path
    assert await house.agents(ana, "?type=system") == of_ana
    assert len(await house.served.said()) == before
