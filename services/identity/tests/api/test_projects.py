"""Projects: who sees, makes, changes and deletes them, and what others are told."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from contracts.channel.deleted_v1 import ChannelDeletedV1
from contracts.channel.status_changed_v1 import ChannelStatusChangedV1
from kernel.ids import new_id

BIA = "bia@example.com"


async def make(house: Any, owner: Any, name: str = "Second", **more: Any) -> dict[str, Any]:
    answer = await house.served.ask(owner, "POST", "/crm/projects", json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def listed(house: Any, caller: Any, query: str = "") -> list[str]:
    answer = await house.served.ask(caller, "GET", f"/crm/projects{query}")
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["data"]]


def at(project: dict[str, Any]) -> str:
    return f"/crm/projects/{project['id']}"


def status(channel_id: str, new: str, version: int, house: Any) -> ChannelStatusChangedV1:
    return ChannelStatusChangedV1(channel_id=channel_id, old="connecting", new=new, at=house.now, version=version)


async def test_an_owner_makes_another_project_and_is_its_first_admin(house: Any) -> None:
    made = await house.register(language="pt-BR")
    owner = house.owner(made)
    before = len(await house.served.said())

    project = await make(house, owner, "Loja", description="who buys", session_timeout_minutes=45)

    expected = {"name": "Loja", "description": "who buys", "session_timeout_minutes": 45, "language": "pt-BR"}
    expected |= {"country": "BR", "active": True, "is_default": False, "version": 1, "customer_id": made["user_id"]}
    assert {name: project[name] for name in expected} == expected
    said = (await house.served.said())[before:]
    assert [event.type for event in said] == [
        "identity.project_created.v1",
        "agent.created.v1",
        "project_member.joined.v1",
    ]
    assert (said[0].data.project_id, said[0].data.is_default) == (project["id"], False)
    assert (said[2].data.user_id, said[2].data.role) == (made["user_id"], "admin")
    assert {event.projectid for event in said} == {project["id"]}
    claims = house.claims((await house.log_in()).json())
    assert claims["prj"] == {made["default_project_id"]: "admin", project["id"]: "admin"}
    assert claims["dpr"] == made["default_project_id"]
    there = replace(owner, project_id=project["id"])
    members = await house.served.ask(there, "GET", f"{at(project)}/members")
    assert [(each["user_id"], each["role"]) for each in members.json()["data"]] == [(made["user_id"], "admin")]


async def test_one_lists_and_searches_the_projects_that_one_is_in(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    house.pass_time(minutes=1)
    support = await make(house, owner, "Support desk", description="for the shop")
    await make(house, owner, "Web shop")
    _, bia = await house.joined(replace(owner, project_id=support["id"]), BIA, "viewer")
    bound = {"name": "bound", "project_id": support["id"]}
    key = (await house.served.ask(owner, "POST", "/auth/api-keys", json=bound)).json()["api_key"]

    assert await listed(house, owner, "?sort=name") == ["Main project", "Support desk", "Web shop"]
    assert await listed(house, owner, "?name=SHOP") == ["Web shop"]
    assert len(await listed(house, owner, f"?customer_id={made['user_id']}&active=true")) == 3
    assert await listed(house, owner, f"?customer_id={new_id()}") == []
    assert await listed(house, bia) == ["Support desk"]
    assert await listed(house, await house.holder(key)) == ["Support desk"]
    found = (await house.served.ask(owner, "GET", "/crm/projects/search?q=shop")).json()["data"]
    assert [(each["name"], each["match_field"]) for each in found] == [
        ("Web shop", "name"),
        ("Support desk", "description"),
    ]
    assert (await house.served.ask(bia, "GET", "/crm/projects/search?q=web")).json()["data"] == []
    for query in ("?sort=active", "?name=" + "x" * 256, "?owner=1", "/search?q=x"):
        assert (await house.served.ask(owner, "GET", f"/crm/projects{query}")).status_code == 400


async def test_a_change_is_told_with_what_changed(house: Any) -> None:
    owner = house.owner(await house.register())
    project = await make(house, owner)
    there = replace(owner, project_id=project["id"])
    hours = {"mon": [["09:00", "12:00"], ["13:00", "24:00"]], "holidays": [{"date": "2026-12-25"}]}

    wanted = {"name": "Shop", "business_hours": hours, "configuration": {"csat": True}, "country": "BR"}
    answer = await house.served.ask(there, "PATCH", at(project), json=wanted, headers={"If-Match": '"1"'})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.headers["etag"]) == (2, '"2"')
    assert {name: answer.json()[name] for name in wanted} == wanted
    event = (await house.served.said())[-1]
    assert (event.type, event.data.version) == ("identity.project_updated.v1", 2)
    assert event.data.changed == ("business_hours", "configuration", "name")
    assert (event.data.name, event.data.business_hours) == ("Shop", hours)
    before = len(await house.served.said())
    again = await house.served.ask(there, "PATCH", at(project), json=wanted)
    assert again.json()["version"] == 2
    assert len(await house.served.said()) == before
    stale = await house.served.ask(there, "PATCH", at(project), json={"name": "x"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await house.served.ask(there, "GET", at(project))).json() == answer.json()


async def test_a_project_rests_and_goes_on(house: Any) -> None:
    owner = house.owner(await house.register())
    project = await make(house, owner)
    there = replace(owner, project_id=project["id"])
    before = len(await house.served.said())

    for active in (False, False, True):
        answer = await house.served.ask(there, "PATCH", at(project), json={"active": active})
        assert answer.json()["active"] is active

    said = (await house.served.said())[before:]
    assert [(event.type, event.data.version) for event in said] == [
        ("identity.project_deactivated.v1", 2),
        ("identity.project_activated.v1", 3),
    ]


@pytest.mark.parametrize(
    ("wanted", "status_code", "what"),
    [
        ({"name": None}, 400, "/name"),
        ({"name": " "}, 400, "/name"),
        ({"session_timeout_minutes": 0}, 400, "/session_timeout_minutes"),
        ({"timezone": "Mars/Base"}, 400, "/timezone"),
        ({"country": "brazil"}, 400, "/country"),
        ({"business_hours": {"mon": [["18:00", "09:00"]]}}, 400, "/business_hours/mon"),
        ({"configuration": {"x": "y" * 33_000}}, 400, "/configuration"),
        ({"is_default": True}, 400, "/is_default"),
        ({"agent_assignment": {"enabled": True}}, 422, "require_at_least_one_agent"),
        (
            {"agent_assignment": {"reassignment_rules": [{"enabled": True, "trigger": "inactivity"}]}},
            422,
            "inactivity_timeout_minutes",
        ),
    ],
)
async def test_what_cannot_be_is_refused_and_named(house: Any, wanted: Any, status_code: int, what: str) -> None:
    owner = house.owner(await house.register())
    path = f"/crm/projects/{owner.project_id}"

    answer = await house.served.ask(owner, "PATCH", path, json=wanted)

    assert answer.status_code == status_code, answer.text
    told = answer.json()
    assert what in ([told.get("rule")] if status_code == 422 else [each["pointer"] for each in told["errors"]])
    if wanted.get("name", "") is not None and "is_default" not in wanted:
        created = await house.served.ask(owner, "POST", "/crm/projects", json={"name": "x", **wanted})
        assert created.status_code == status_code
    assert (await house.served.ask(owner, "GET", path)).json()["version"] == 1


async def test_conversations_go_to_agents_of_the_project_alone(house: Any) -> None:
    owner = house.owner(await house.register())
    project = await make(house, owner)
    there = replace(owner, project_id=project["id"])

    async def agents(caller: Any) -> list[str]:
        answer = await house.served.ask(caller, "GET", f"/crm/projects/{caller.project_id}/members")
        return [each["agent_id"] for each in answer.json()["data"]]

    async def assign(named: list[str]) -> Any:
        body = {"agent_assignment": {"enabled": True, "agent_ids": named}}
        return await house.served.ask(there, "PATCH", at(project), json=body)

    own, strange = await agents(there), await agents(owner)
    assert (await assign(own)).json()["agent_assignment"]["agent_ids"] == own
    for named in (strange, [*own, new_id()]):
        refused = await assign(named)
        told = [(each["pointer"], each["code"]) for each in refused.json()["errors"]]
        assert (refused.status_code, told) == (400, [("/agent_assignment/agent_ids", "not_found")])
    body = {"name": "x", "agent_assignment": {"agent_ids": own}}
    assert (await house.served.ask(owner, "POST", "/crm/projects", json=body)).status_code == 400


async def test_a_deleted_project_is_gone_for_everybody(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    project = await make(house, owner)
    there = replace(owner, project_id=project["id"])
    _, bia = await house.joined(there, BIA, "agent")
    _, token = await house.invited(there, "edu@example.com")
    bound = {"name": "bound", "project_id": project["id"]}
    key = (await house.served.ask(owner, "POST", "/auth/api-keys", json=bound)).json()["api_key"]
    before = len(await house.served.said())

    answer = await house.served.ask(there, "DELETE", at(project), headers={"If-Match": '"1"'})

    assert answer.status_code == 204, answer.text
    said = (await house.served.said())[before:]
    removed = [event.data.user_id for event in said if event.type == "project_member.removed.v1"]
    assert removed[0] is None and set(removed[1:]) == {made["user_id"], bia.subject}
    assert [event.type for event in said].count("agent.deactivated.v1") == 2
    assert (said[-1].type, said[-1].data.project_id, said[-1].data.version) == (
        "identity.project_deleted.v1",
        project["id"],
        2,
    )
    assert await listed(house, owner) == ["Main project"]
    for method, path in (("GET", at(project)), ("DELETE", at(project)), ("GET", f"{at(project)}/members")):
        again = await house.served.ask(there, method, path)
        assert again.status_code == 404 or again.json()["data"] == []
    assert (await house.accept(token)).status_code == 401
    assert (await house.resolve(key)).json()["projects"] == []
    assert house.claims((await house.log_in()).json())["prj"] == {made["default_project_id"]: "admin"}
    body = {"email": "zoe@example.com", "role": "viewer"}
    assert (await house.served.ask(there, "POST", f"{at(project)}/members", json=body)).status_code == 404


async def test_the_default_project_stays(house: Any) -> None:
    owner = house.owner(await house.register())
    await make(house, owner)

    answer = await house.served.ask(owner, "DELETE", f"/crm/projects/{owner.project_id}")

    assert (answer.status_code, answer.json()["code"], answer.json()["current_state"]) == (
        409,
        "invalid_state",
        "default",
    )


async def test_a_project_in_which_a_channel_works_stays_until_it_does_not(house: Any) -> None:
    owner = house.owner(await house.register())
    project = await make(house, owner)
    there = replace(owner, project_id=project["id"])
    one, other = new_id(), new_id()

    async def heard(data: Any) -> Any:
        await house.hear(owner.tenant_id, project["id"], data)

    async def refused() -> bool:
        answer = await house.served.ask(there, "DELETE", at(project))
        if answer.status_code == 409:
            assert answer.json()["code"] == "not_empty"
        return bool(answer.status_code == 409)

    await heard(status(one, "active", 2, house))
    await heard(status(other, "active", 5, house))
    assert await refused()
    await heard(status(one, "inactive", 4, house))
    await heard(status(one, "active", 3, house))
    assert await refused(), "the other one still works"
    await heard(ChannelDeletedV1(channel_id=other, by="user", at=house.now))
    await heard(status(other, "active", 6, house))
    assert not await refused()


async def test_at_most_a_hundred_projects_also_when_two_are_made_at_once(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    await house.served.administrator.execute(
        "insert into identity.projects (tenant_id, id, name, timezone, country, language, session_timeout_minutes,"
        " default_pipeline_id, owner_user_id) select tenant_id, gen_random_uuid(), 'x', timezone, country, language, 30,"
        " gen_random_uuid(), owner_user_id from identity.projects, generate_series(1, 98) where tenant_id = $1",
        made["tenant_id"],
    )

    answers = await asyncio.gather(
        *(house.served.ask(owner, "POST", "/crm/projects", json={"name": name}) for name in ("a", "b"))
    )

    assert sorted(each.status_code for each in answers) == [201, 422]
    assert next(each for each in answers if each.status_code == 422).json()["code"] == "too_many"


async def test_a_suspended_tenant_makes_no_projects(house: Any) -> None:
    owner = house.owner(await house.register())
    await house.served.administrator.execute("update identity.tenants set status = 'suspended'")

    answer = await house.served.ask(owner, "POST", "/crm/projects", json={"name": "x"})

    assert (answer.status_code, answer.json()["code"]) == (402, "account_suspended")
    assert await listed(house, owner) == ["Main project"]


async def test_only_owners_make_and_delete_and_only_admins_change(house: Any) -> None:
    owner = house.owner(await house.register())
    project = await make(house, owner)
    there = replace(owner, project_id=project["id"])
    for role, may_change in (("admin", 200), ("supervisor", 403), ("agent", 403), ("viewer", 403)):
        _, caller = await house.joined(there, f"{role}@example.com", role)
        for method, path, body, expected in (
            ("GET", at(project), None, 200),
            ("POST", "/crm/projects", {"name": "x"}, 403),
            ("PATCH", at(project), {"description": role}, may_change),
            ("DELETE", at(project), None, 403),
        ):
            answer = await house.served.ask(caller, method, path, **({"json": body} if body else {}))
            assert answer.status_code == expected, (role, method, answer.text)


async def test_of_another_tenants_project_there_is_nothing(house: Any) -> None:
    ana, eva = house.owner(await house.register()), house.owner(await house.register("eva@example.com"))
    path = f"/crm/projects/{ana.project_id}"

    for caller in (eva, replace(eva, project_id=ana.project_id)):
        for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
            answer = await house.served.ask(caller, method, path, **({"json": body} if body else {}))
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await listed(house, eva) == ["Main project"]
    assert (await house.served.ask(ana, "GET", path)).json()["version"] == 1
