"""Members of a project: who sees them, who changes them, and what ends when they go."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from kernel.ids import new_id
from testkit.serving import a_caller
from web.works import NOBODY

THE_GATEWAY = a_caller(
    NOBODY, None, subject=NOBODY, subject_kind="system", credential_id=NOBODY, permissions=frozenset()
)
BIA, EDU = "bia@example.com", "edu@example.com"


def place(caller: Any, member_id: str = "") -> str:
    return f"/crm/projects/{caller.project_id}/members" + (f"/{member_id}" if member_id else "")


async def listed(house: Any, caller: Any, query: str = "") -> list[dict[str, Any]]:
    answer = await house.served.ask(caller, "GET", place(caller) + query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def own_member_id(house: Any, owner: Any) -> str:
    (own,) = [each for each in await listed(house, owner) if each["user_id"] == owner.subject]
    found: str = own["id"]
    return found


async def give(house: Any, by: Any, member_id: str, role: str, **headers: str) -> Any:
    return await house.served.ask(by, "PATCH", place(by, member_id), json={"role": role}, headers=headers)


async def test_members_are_listed_sorted_filtered_and_paged(house: Any) -> None:
    owner = house.owner(await house.register())
    await house.joined(owner, BIA, "viewer")
    house.pass_time(minutes=1)
    await house.joined(owner, EDU, "agent", create_agent=False)
    await house.invited(owner, "zoe@example.com", "admin")

    def emails(rows: list[dict[str, Any]]) -> list[str]:
        return [each["email"].split("@")[0] for each in rows]

    assert emails(await listed(house, owner)) == ["ana", "bia", "edu", "zoe"]
    assert emails(await listed(house, owner, "?sort=-joined_at")) == ["zoe", "edu", "bia", "ana"]
    assert emails(await listed(house, owner, "?role=readonly,user")) == ["bia", "edu"]
    assert emails(await listed(house, owner, "?status=invited")) == ["zoe"]
    assert emails(await listed(house, owner, "?status=active&role=admin")) == ["ana"]
    assert sorted(emails(await listed(house, owner, "?sort=name"))) == ["ana", "bia", "edu", "zoe"]
    walked, cursor = [], ""
    for _ in range(4):
        page = (await house.served.ask(owner, "GET", f"{place(owner)}?limit=1{cursor}")).json()
        walked += emails(page["data"])
        cursor = f"&cursor={page['next_cursor']}"
    assert (walked, page["has_more"]) == (["ana", "bia", "edu", "zoe"], False)
    for query in ("?sort=email", "?role=emperor", "?status=gone", "?q=1"):
        assert (await house.served.ask(owner, "GET", place(owner) + query)).status_code == 400


async def test_another_role_counts_at_once_and_is_told(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    member_id, bia = await house.joined(owner, BIA, "agent")
    key = (await house.served.ask(bia, "POST", "/auth/api-keys", json={"name": "mine"})).json()["api_key"]

    answer = await give(house, owner, member_id, "manager", **{"If-Match": '"1"'})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["role"], answer.json()["version"], answer.headers["etag"]) == ("supervisor", 2, '"2"')
    event = (await house.served.said())[-1]
    assert event.type == "project_member.role_changed.v1"
    told = (event.data.user_id, event.data.old_role, event.data.new_role, event.data.changed_by)
    assert told == (bia.subject, "agent", "supervisor", made["user_id"])
    assert event.data.agent_id == answer.json()["agent_id"]
    claims = house.claims((await house.log_in(BIA)).json())
    assert claims["prj"] == {owner.project_id: "supervisor"}
    assert (await house.resolve(key)).json()["role"] == "agent", "a key has not more than it was made for"
    await give(house, owner, member_id, "viewer")
    assert (await house.resolve(key)).json()["role"] == "viewer"
    stale = await give(house, owner, member_id, "agent", **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")


async def test_the_same_role_again_says_nothing(house: Any) -> None:
    owner = house.owner(await house.register())
    member_id, _ = await house.joined(owner, BIA, "agent")
    before = len(await house.served.said())

    assert (await give(house, owner, member_id, "user")).json()["version"] == 1
    assert len(await house.served.said()) == before


async def test_a_viewers_agent_rests_and_comes_back_with_another_role(house: Any) -> None:
    owner = house.owner(await house.register())
    member_id, _ = await house.joined(owner, BIA, "agent")
    agent_id = (await listed(house, owner))[1]["agent_id"]

    as_viewer = (await give(house, owner, member_id, "viewer")).json()
    as_agent = (await give(house, owner, member_id, "agent")).json()

    assert (as_viewer["agent_id"], as_agent["agent_id"]) == (None, agent_id)
    said = [event for event in await house.served.said() if event.type.startswith("agent.")][2:]
    assert [(each.type, each.data.agent_id) for each in said] == [
        ("agent.deactivated.v1", agent_id),
        ("agent.activated.v1", agent_id),
    ]
    viewer_id, _ = await house.joined(owner, EDU, "viewer")
    assert (await give(house, owner, viewer_id, "supervisor")).json()["agent_id"] is not None


async def test_nobody_changes_their_own_role_not_even_with_a_key(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    own = await own_member_id(house, owner)
    admin_id, admin = await house.joined(owner, BIA, "admin")

    answers = [
        await give(house, owner, own, "viewer"),
        await give(house, await house.holder(made["api_key"]), own, "viewer"),
        await give(house, admin, admin_id, "viewer"),
    ]

    assert [(each.status_code, each.json()["rule"]) for each in answers] == [(422, "own_role")] * 3


async def test_the_last_owner_is_neither_demoted_nor_removed(house: Any) -> None:
    owner = house.owner(await house.register())
    own = await own_member_id(house, owner)
    _, admin = await house.joined(owner, BIA, "admin")

    for answer in (
        await give(house, admin, own, "viewer"),
        await house.served.ask(admin, "DELETE", place(admin, own)),
        await house.served.ask(owner, "DELETE", place(owner, own)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    second_owner = "update identity.tenant_members set owner = true where user_id = $1"
    await house.served.administrator.execute(second_owner, admin.subject)
    one_of_two = await give(house, admin, own, "viewer")
    assert (one_of_two.status_code, one_of_two.json()["rule"]) == (422, "owner_is_admin")


async def test_the_last_admin_who_can_sign_in_stays_also_when_two_demote_each_other(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    bia_id, bia = await house.joined(owner, BIA, "admin")
    edu_id, edu = await house.joined(owner, EDU, "admin")
    disable = "update identity.users set status = 'disabled' where id = $1"
    await house.served.administrator.execute(disable, made["user_id"])

    answers = await asyncio.gather(give(house, bia, edu_id, "agent"), give(house, edu, bia_id, "agent"))

    assert sorted(each.status_code for each in answers) == [200, 409]
    refused = next(each for each in answers if each.status_code == 409)
    assert refused.json()["code"] == "last_admin"
    (left,) = [each for each in await listed(house, owner, "?role=admin") if each["user_id"] != made["user_id"]]
    gone = await house.served.ask(owner, "DELETE", place(owner, left["id"]))
    assert (gone.status_code, gone.json()["code"]) == (409, "last_admin")


async def test_whoever_is_removed_has_nothing_left_there(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    member_id, bia = await house.joined(owner, BIA, "agent")
    key = (await house.served.ask(bia, "POST", "/auth/api-keys", json={"name": "mine"})).json()["api_key"]
    signed_in = (await house.log_in(BIA)).json()
    agent_id = (await listed(house, owner))[1]["agent_id"]
    before = len(await house.served.said())

    assert (await house.served.ask(owner, "DELETE", place(owner, member_id))).status_code == 204

    said = (await house.served.said())[before:]
    assert [event.type for event in said] == [
        "agent.deactivated.v1",
        "project_member.removed.v1",
        "identity.sign_in_revoked.v1",
    ]
    assert (said[1].data.user_id, said[1].data.agent_id, said[1].data.role) == (bia.subject, agent_id, "agent")
    assert (said[2].data.user_id, said[2].data.all) == (bia.subject, True)
    refreshed = await house.post("/auth/refresh", {"refresh_token": signed_in["refresh_token"]})
    assert (refreshed.status_code, refreshed.json()["code"]) == (401, "token_revoked")
    assert (await house.resolve(key)).json()["projects"] == []
    assert house.claims((await house.log_in(BIA)).json())["prj"] == {}
    assert len(await listed(house, owner)) == 1
    assert (await house.served.ask(owner, "DELETE", place(owner, member_id))).status_code == 404


async def test_who_is_in_another_project_stays_signed_in_there(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    member_id, bia = await house.joined(owner, BIA, "agent")
    second = await another_project(house, made)
    there = replace(owner, project_id=second)
    _, token = await house.invited(there, BIA, "agent")
    in_second = (await house.accept(token, bia)).json()
    elsewhere = (await house.log_in(BIA)).json()

    assert (await house.served.ask(owner, "DELETE", place(owner, member_id))).status_code == 204

    for tokens in (in_second, elsewhere):
        answer = await house.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]})
        assert answer.status_code == 200, answer.text
        assert house.claims(answer.json())["prj"] == {second: "agent"}
    ended = [event for event in await house.served.said() if event.type == "identity.sign_in_revoked.v1"]
    assert [each.data.sign_in_id for each in ended] == [bia.credential_id], "the one that was to this project"


async def test_changes_of_members_are_numbered_as_they_were_made(house: Any) -> None:
    owner = house.owner(await house.register())
    members = [(await house.joined(owner, f"m{number}@example.com"))[0] for number in range(3)]
    roles = ("viewer", "supervisor")

    await asyncio.gather(*(give(house, owner, member, role) for member in members for role in roles))

    changed = [event for event in await house.served.said() if event.type == "project_member.role_changed.v1"]
    numbers = [event.data.revision for event in changed]
    assert len(set(numbers)) == len(numbers) >= 3
    for member in members:
        (last,) = [each["role"] for each in await listed(house, owner) if each["id"] == member]
        own = [event.data for event in changed if event.data.member_id == member]
        assert max(own, key=lambda data: data.revision).new_role == last


async def test_an_admin_may_leave(house: Any) -> None:
    owner = house.owner(await house.register())
    admin_id, admin = await house.joined(owner, BIA, "admin")

    assert (await house.served.ask(admin, "DELETE", place(admin, admin_id))).status_code == 204


async def test_whoever_is_only_invited_has_no_role_to_change(house: Any) -> None:
    owner = house.owner(await house.register())
    member_id, _ = await house.invited(owner, BIA)

    answer = await give(house, owner, member_id, "viewer")

    assert (answer.status_code, answer.json()["code"], answer.json()["current_state"]) == (
        409,
        "invalid_state",
        "invited",
    )


async def test_a_narrowed_admin_gives_nothing_that_they_lack(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    member_id, _ = await house.joined(owner, BIA, "viewer")
    narrowed = replace(owner, owner=False, permissions=frozenset(("members.manage",)), subject=new_id())

    answer = await give(house, narrowed, member_id, "agent")

    assert (answer.status_code, answer.json()["required"]) == (403, "agent")


@pytest.mark.parametrize("role", ["viewer", "agent", "supervisor"])
async def test_who_does_not_manage_members_sees_them_and_changes_nothing(house: Any, role: str) -> None:
    owner = house.owner(await house.register())
    member_id, caller = await house.joined(owner, BIA, role)

    assert len(await listed(house, caller)) == 2
    for method, path, body in (
        ("POST", place(caller), {"email": EDU, "role": "viewer"}),
        ("PATCH", place(caller, member_id), {"role": "admin"}),
        ("DELETE", place(caller, member_id), None),
    ):
        answer = await house.served.ask(caller, method, path, **({"json": body} if body else {}))
        assert (answer.status_code, answer.json()["required"]) == (403, "members.manage")


async def test_of_another_tenant_and_another_project_there_is_nothing(house: Any) -> None:
    ana, eva = await house.register(), await house.register("eva@example.com")
    owner, stranger = house.owner(ana), house.owner(eva)
    member_id, _ = await house.joined(owner, BIA, "agent")
    invitation_id, _ = await house.invited(owner, EDU, "agent")
    second = replace(owner, project_id=await another_project(house, ana))

    for caller in (stranger, second):
        for path in (place(owner), place(caller)):
            for target in (member_id, invitation_id):
                for method, more in (("PATCH", {"json": {"role": "viewer"}}), ("DELETE", {})):
                    answer = await house.served.ask(caller, method, f"{path}/{target}", **more)
                    assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text
        assert (await house.served.ask(caller, "GET", place(owner))).status_code == 404
        body = {"email": "x@example.com", "role": "viewer"}
        assert (await house.served.ask(caller, "POST", place(owner), json=body)).status_code == 404
    assert len(await listed(house, owner)) == 3
    assert [each["user_id"] for each in await listed(house, second)] == [ana["user_id"]]


async def test_a_gateway_that_starts_learns_what_changed(house: Any) -> None:

    made = await house.register()
    owner = house.owner(made)
    member_id, bia = await house.joined(owner, BIA, "agent")
    house.pass_time(seconds=1)
    await give(house, owner, member_id, "viewer")
    house.pass_time(seconds=1)
    await house.served.ask(owner, "DELETE", place(owner, member_id))

    told = (await house.served.ask(THE_GATEWAY, "GET", "/internal/withdrawals")).json()["data"]

    changes = [each for each in told if each["kind"] == "membership"]
    assert [(each["user_id"], each["project_id"], each["role"]) for each in changes] == [
        (bia.subject, owner.project_id, role) for role in ("agent", "viewer", None)
    ]
    assert [each["agent_id"] is None for each in changes] == [False, True, True]
    assert [each["revision"] for each in changes] == sorted({each["revision"] for each in changes})
    house.pass_time(hours=1, seconds=3)
    later = (await house.served.ask(THE_GATEWAY, "GET", "/internal/withdrawals")).json()["data"]
    assert later == []


async def another_project(house: Any, made: dict[str, Any]) -> str:
    answer = await house.served.ask(house.owner(made), "POST", "/crm/projects", json={"name": "Second"})
    assert answer.status_code == 201, answer.text
    project_id: str = answer.json()["id"]
    return project_id
