"""Invitations: a mail whose token makes somebody a member once, and answers that tell nobody who has an account."""

import asyncio
from dataclasses import replace
from typing import Any

from testkit.serving import a_caller

BIA, PASSWORD = "bia@example.com", "um cavalo bebe chá frio"


async def members(house: Any, caller: Any, query: str = "") -> list[dict[str, Any]]:
    answer = await house.served.ask(caller, "GET", f"/crm/projects/{caller.project_id}/members{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def invite(house: Any, caller: Any, **body: Any) -> Any:
    return await house.served.ask(caller, "POST", f"/crm/projects/{caller.project_id}/members", json=body)


async def test_somebody_new_accepts_and_works_in_the_project(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    answer = await invite(house, owner, email=" BIA@example.com", role="user")

    assert answer.status_code == 201, answer.text
    shown = answer.json()
    expected = {"email": BIA, "role": "agent", "status": "invited", "user_id": None, "name": None, "agent_id": None}
    assert {name: shown[name] for name in expected} == expected
    assert (shown["invited_by"], shown["joined_at"], answer.headers["etag"]) == (made["user_id"], None, '"1"')
    (mail,) = await house.mails()
    assert (mail["To"], mail["Subject"]) == (BIA, "Invitation to crm.example.com")
    assert "Ana Lima invites you to work with Ana Lima at crm.example.com" in mail.get_content()

    token = mail.get_content().split("#token=")[1].split()[0]
    accepted = await house.accept(token)

    assert accepted.status_code == 200, accepted.text
    claims = house.claims(accepted.json())
    project = made["default_project_id"]
    assert (claims["tid"], claims["own"], claims["prj"]) == (made["tenant_id"], False, {project: "agent"})
    assert (claims["dpr"], list(claims["agt"])) == (project, [project])
    (ana, bia) = await members(house, owner)
    assert (ana["user_id"], ana["role"]) == (made["user_id"], "admin")
    assert (bia["id"], bia["user_id"], bia["name"], bia["status"]) == (
        shown["id"],
        claims["sub"],
        "Bia Nunes",
        "active",
    )
    assert bia["agent_id"] == claims["agt"][project]
    assert (await house.log_in(BIA)).status_code == 200
    refreshed = await house.post("/auth/refresh", {"refresh_token": accepted.json()["refresh_token"]})
    assert refreshed.status_code == 200


async def test_who_joined_is_told_to_the_others(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    before = len(await house.served.said())
    member_id, bia = await house.joined(owner, BIA, "supervisor")

    said = {event.type: event for event in (await house.served.said())[before:]}

    assert list(said) == [
        "project_member.invited.v1",
        "identity.user_registered.v1",
        "agent.created.v1",
        "project_member.joined.v1",
    ]
    invited, joined = said["project_member.invited.v1"], said["project_member.joined.v1"]
    assert (invited.data.invitation_id, invited.data.email, invited.data.role) == (member_id, BIA, "supervisor")
    assert (invited.data.invited_by, invited.actor) == (made["user_id"], f"user:{made['user_id']}")
    assert (joined.data.member_id, joined.data.user_id, joined.data.role) == (member_id, bia.subject, "supervisor")
    assert joined.data.agent_id == said["agent.created.v1"].data.agent_id
    assert {event.tenantid for event in said.values()} == {made["tenant_id"]}
    assert joined.actor == f"user:{bia.subject}"


async def test_a_viewer_and_whoever_is_invited_so_attend_no_conversations(house: Any) -> None:
    owner = house.owner(await house.register())
    await house.joined(owner, BIA, "viewer")
    await house.joined(owner, "edu@example.com", "supervisor", create_agent=False)

    assert [each["agent_id"] is None for each in await members(house, owner)] == [False, True, True]


async def test_a_token_works_once_also_at_once(house: Any) -> None:
    owner = house.owner(await house.register())
    _, token = await house.invited(owner, BIA)

    answers = await asyncio.gather(*(house.accept(token) for _ in range(3)))

    statuses = sorted(each.status_code for each in answers)
    assert statuses[0] == 200 and set(statuses[1:]) <= {401, 409}
    assert await house.rows("project_members") == 2
    again = await house.accept(token)
    assert (again.status_code, again.json()["code"]) == (401, "invalid_credentials")


async def test_a_token_expires_after_a_week_and_the_address_can_be_invited_anew(house: Any) -> None:
    owner = house.owner(await house.register())
    first, token = await house.invited(owner, BIA)

    house.pass_time(days=7)

    assert (await house.accept(token)).status_code == 401
    second, token = await house.invited(owner, BIA)
    assert second != first
    assert (await house.accept(token)).status_code == 200
    states = await house.served.administrator.fetch("select state from identity.invitations order by created_at")
    assert [row["state"] for row in states] == ["expired", "accepted"]


async def test_an_invitation_that_was_taken_back_opens_nothing(house: Any) -> None:
    owner = house.owner(await house.register())
    member_id, token = await house.invited(owner, BIA)
    place = f"/crm/projects/{owner.project_id}/members/{member_id}"

    assert (await house.served.ask(owner, "DELETE", place)).status_code == 204

    assert (await house.accept(token)).status_code == 401
    assert (await house.served.ask(owner, "DELETE", place)).status_code == 404
    assert len(await members(house, owner)) == 1
    removed = (await house.served.said())[-1]
    assert (removed.type, removed.data.member_id, removed.data.user_id) == (
        "project_member.removed.v1",
        member_id,
        None,
    )


async def test_one_that_is_taken_back_before_its_mail_left_is_never_mailed(house: Any) -> None:
    owner = house.owner(await house.register())
    made = await invite(house, owner, email=BIA, role="agent")
    place = f"/crm/projects/{owner.project_id}/members/{made.json()['id']}"
    assert (await house.served.ask(owner, "DELETE", place)).status_code == 204

    assert await house.mails() == []
    assert await house.rows("mails") == 0


async def test_a_member_or_somebody_invited_is_not_invited_again(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    member_id, _ = await house.invited(owner, BIA)
    own_id = (await members(house, owner))[0]["id"]

    for email, present in ((BIA, member_id), ("ana@example.com", own_id)):
        again = await invite(house, owner, email=email, role="viewer")
        assert (again.status_code, again.json()["code"]) == (409, "already_exists")
        assert again.json()["existing_id"] == present
    assert await house.mails() == []


async def test_inviting_looks_no_account_up(house: Any) -> None:
    ana, eva = await house.register(), await house.register("eva@example.com")
    owner = house.owner(ana)

    known = await invite(house, owner, email="eva@example.com", role="agent")
    unknown = await invite(house, owner, email="nobody@example.com", role="agent")

    assert known.status_code == unknown.status_code == 201
    assert known.json().keys() == unknown.json().keys()
    assert eva["user_id"] not in known.text and eva["tenant_id"] not in known.text
    assert len(await house.mails()) == 2


async def test_an_address_with_an_account_elsewhere_joins_nobody(house: Any) -> None:
    ana, eva = await house.register(), await house.register("eva@example.com")
    _, token = await house.invited(house.owner(ana), "eva@example.com")

    stranger = await house.accept(token)
    signed_in = await house.accept(token, house.owner(eva))

    assert (stranger.status_code, stranger.json()["code"]) == (409, "already_exists")
    assert (signed_in.status_code, signed_in.json()["code"]) == (409, "conflict")
    assert await house.rows("project_members") == 2
    assert (await house.log_in("eva@example.com")).status_code == 200


async def test_whoever_is_signed_in_with_that_address_joins_and_nobody_else(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    first_id, bia = await house.joined(owner, BIA, "viewer")
    _, edu = await house.joined(owner, "edu@example.com", "viewer")
    place = f"/crm/projects/{owner.project_id}/members/{first_id}"
    assert (await house.served.ask(owner, "DELETE", place)).status_code == 204
    _, token = await house.invited(owner, BIA, "agent")

    for caller in (edu, owner):
        refused = await house.accept(token, caller)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    key = await house.accept(token, await house.holder(made["api_key"]))
    assert (key.status_code, key.json()["rule"]) == (422, "sign_in_required")
    as_somebody_new = await house.accept(token)
    assert (as_somebody_new.status_code, as_somebody_new.json()["code"]) == (409, "already_exists")

    nowhere = replace(bia, project_id=None, role="", permissions=frozenset())
    accepted = await house.accept(token, nowhere)

    assert accepted.status_code == 200, accepted.text
    assert house.claims(accepted.json())["sub"] == bia.subject
    assert await house.rows("users") == 3


async def test_somebody_new_says_who_they_are_and_a_refusal_leaves_the_token_good(house: Any) -> None:
    owner = house.owner(await house.register())
    _, token = await house.invited(owner, BIA)

    nothing = await house.post("/auth/invitations/accept", {"token": token})
    weak = await house.accept(token, password="Password12345")
    own = await house.accept(token, password="bia@example.com")
    role = await house.accept(token, role="admin")

    assert [(each["pointer"], each["code"]) for each in nothing.json()["errors"]] == [
        ("/name", "missing"),
        ("/password", "missing"),
    ]
    assert [each.status_code for each in (nothing, weak, own, role)] == [400] * 4
    assert (await house.accept(token)).status_code == 200


async def test_nobody_gives_more_than_they_have(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    admin = a_caller(owner.tenant_id, owner.project_id)
    narrowed = replace(admin, permissions=frozenset(("members.manage", "members.view")))
    supervisor = a_caller(owner.tenant_id, owner.project_id, role="supervisor")

    refused = await invite(house, narrowed, email=BIA, role="viewer")
    assert (refused.status_code, refused.json()["required"]) == (403, "viewer")
    assert (await invite(house, supervisor, email=BIA, role="viewer")).status_code == 403
    assert (await invite(house, replace(admin, subject=made["user_id"]), email=BIA, role="admin")).status_code == 201
    assert (await invite(house, owner, email="edu@example.com", role="owner")).status_code == 400


async def test_a_suspended_tenant_gets_no_new_members(house: Any) -> None:
    owner = house.owner(await house.register())
    _, token = await house.invited(owner, BIA)
    await house.served.administrator.execute("update identity.tenants set status = 'suspended'")

    answers = [await invite(house, owner, email="edu@example.com", role="agent"), await house.accept(token)]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(402, "account_suspended")] * 2
    await house.served.administrator.execute("update identity.tenants set status = 'active'")
    assert (await house.accept(token)).status_code == 200


async def test_a_tenant_cannot_flood_the_world_with_mails(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    await house.served.administrator.execute(
        "insert into identity.invitations (tenant_id, id, project_id, email, role, create_agent, invited_by, expires_at, created_at)"
        " select $1, gen_random_uuid(), $2, n || '@example.com', 'agent', true, $3, $4, $4 from generate_series(1, 200) as n",
        made["tenant_id"],
        made["default_project_id"],
        made["user_id"],
        house.now,
    )

    refused = await invite(house, owner, email=BIA, role="agent")

    assert (refused.status_code, refused.json()["code"]) == (422, "too_many")
    house.pass_time(days=1, seconds=1)
    assert (await invite(house, owner, email=BIA, role="agent")).status_code == 201


async def test_a_name_cannot_make_the_mail_say_something_else(house: Any) -> None:
    made = await house.register(company="Win a car\n\nat https://evil.example " + "x" * 200)
    await house.invited(house.owner(made), BIA)
    row = await house.served.administrator.fetchrow("select name from identity.tenants")
    assert "\n" in row["name"]

    owner = house.owner(made)
    await invite(house, owner, email="edu@example.com", role="agent")
    (mail,) = await house.mails()

    assert "work with Win a car at https://evil.example xxx" in mail.get_content()
    assert "x" * 80 not in mail.get_content()


async def test_a_repeated_acceptance_with_its_key_gets_the_same_tokens(house: Any) -> None:
    owner = house.owner(await house.register())
    _, token = await house.invited(owner, BIA)
    body = {"token": token, "name": "Bia Nunes", "password": PASSWORD}

    first, again = [
        await house.post("/auth/invitations/accept", body, **{"Idempotency-Key": "accept-1"}) for _ in range(2)
    ]

    assert (first.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert first.json() == again.json()


async def test_no_invitation_token_is_kept_in_the_clear(house: Any) -> None:
    owner = house.owner(await house.register())
    _, token = await house.invited(owner, BIA)

    dump = ""
    for table in ("mails", "mail_tokens", "invitations", "idempotency_keys", "outbox_bundles"):
        rows = await house.served.administrator.fetch(f"select t::text as row from identity.{table} t")
        dump += "\n".join(row["row"] for row in rows)
    assert BIA in dump
    assert token not in dump and token.encode().hex() not in dump
