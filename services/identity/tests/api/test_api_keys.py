"""API keys: shown once, kept as hashes, never more than their maker, neither then nor later."""

import asyncio
from datetime import timedelta
from typing import Any

from testkit.serving import a_caller
from web.permissions import permissions_of


async def issue(house: Any, caller: Any, **body: Any) -> Any:
    return await house.served.ask(caller, "POST", "/auth/api-keys", json={"name": "key", **body})


async def issued(house: Any, caller: Any, **body: Any) -> dict[str, Any]:
    answer = await issue(house, caller, **body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def facts(house: Any, key: str) -> dict[str, Any]:
    answer = await house.resolve(key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def demote(house: Any, user_id: str, role: str) -> None:
    await house.served.administrator.execute(
        "update identity.tenant_members set owner = false where user_id = $1", user_id
    )
    await house.served.administrator.execute(
        "update identity.project_members set role = $2 where user_id = $1", user_id, role
    )


async def test_a_key_is_shown_once_and_leaves_the_others_alone(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)

    answer = await issue(house, owner, name=" CI ", role="agent")

    assert answer.status_code == 201
    key = answer.json()
    assert (key["name"], key["role"], key["version"], key["user_id"]) == ("CI", "agent", 1, made["user_id"])
    assert key["api_key"].startswith(key["prefix"] + "_")
    assert key["permissions"] == sorted(permissions_of("agent"))
    read = await house.served.ask(owner, "GET", answer.headers["Location"].removeprefix("/api/v1"))
    assert read.headers["ETag"] == '"1"'
    assert read.json() == {name: value for name, value in key.items() if name != "api_key"}
    listed = (await house.served.ask(owner, "GET", "/auth/api-keys")).json()
    assert [each["name"] for each in listed["data"]] == ["CI", "First key"]
    assert all("api_key" not in each and "key_hash" not in each for each in listed["data"])
    for each in (key["api_key"], made["api_key"]):
        assert (await facts(house, each))["user_id"] == made["user_id"]
    event = (await house.served.said())[-1]
    assert (event.type, event.data.prefix, event.actor) == (
        "identity.api_key_created.v1",
        key["prefix"],
        f"user:{made['user_id']}",
    )


async def test_no_secret_is_found_anywhere_in_the_database(house: Any) -> None:
    made = await house.register()
    again = (await house.log_in()).json()
    key = await issued(house, house.owner(made))
    repeated = await house.served.ask(
        house.owner(made), "POST", "/auth/api-keys", json={"name": "k"}, headers={"Idempotency-Key": "k-1"}
    )
    secrets = [
        "um cavalo bebe chá frio",
        *(each[name] for each in (made, again) for name in ("refresh_token", "access_token")),
        *(each["api_key"].rpartition("_")[2] for each in (made, key, repeated.json())),
    ]

    dump = ""
    tables = await house.served.administrator.fetch("select tablename from pg_tables where schemaname = 'identity'")
    for table in tables:
        rows = await house.served.administrator.fetch(f'select t::text as row from identity."{table["tablename"]}" t')
        dump += "\n".join(row["row"] for row in rows)

    assert made["user_id"] in dump
    for secret in secrets:
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_a_key_may_be_narrowed_to_a_role_permissions_and_a_project(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)

    narrow = await issued(house, owner, permissions=["contacts.view"], project_id=made["default_project_id"])
    viewer = await issued(house, owner, role="readonly")

    assert (await facts(house, narrow["api_key"]))["permissions"] == ["contacts.view"]
    assert (await facts(house, narrow["api_key"]))["owner"] is False
    seen = await facts(house, viewer["api_key"])
    assert (seen["role"], seen["owner"], len(seen["permissions"])) == ("viewer", False, 10)


async def test_an_owners_key_is_an_owners_only_where_nothing_was_said(house: Any) -> None:
    made = await house.register()

    whole = await facts(house, made["api_key"])
    admin = await facts(house, (await issued(house, house.owner(made), role="admin"))["api_key"])

    assert (whole["owner"], len(whole["permissions"])) == (True, 23)
    assert (admin["owner"], len(admin["permissions"])) == (False, 21)


async def test_nobody_makes_a_key_with_more_than_they_have(house: Any) -> None:
    made = await house.register()
    place = (made["tenant_id"], made["default_project_id"])
    agent = a_caller(*place, role="agent", subject=made["user_id"])

    for body in ({"role": "admin"}, {"role": "supervisor"}):
        answer = await issue(house, agent, **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    beyond = await issue(house, agent, permissions=["channels.manage"])
    assert (beyond.status_code, beyond.json()["errors"][0]["pointer"]) == (400, "/permissions")
    assert (await issued(house, agent))["role"] == "agent"


async def test_a_narrowed_key_makes_no_wider_one(house: Any) -> None:
    made = await house.register()
    until = (house.now + timedelta(days=1)).isoformat()
    narrow = await issued(
        house,
        house.owner(made),
        permissions=["contacts.view", "messages.view"],
        project_id=made["default_project_id"],
        expires_at=until,
    )
    holder = await house.holder(narrow["api_key"])

    child = await issued(house, holder)

    assert child["permissions"] == ["contacts.view", "messages.view"]
    assert (child["project_id"], child["expires_at"]) == (made["default_project_id"], narrow["expires_at"])
    assert (await issue(house, holder, permissions=["contacts.manage"])).status_code == 403
    later = (house.now + timedelta(days=2)).isoformat()
    assert (await issue(house, holder, expires_at=later)).status_code == 400
    assert (await house.said())[-1] == "identity.api_key_created.v1"
    assert (await house.served.said())[-1].actor == f"api_key:{narrow['id']}"


async def test_a_key_has_never_more_than_its_maker_has_now(house: Any) -> None:
    made = await house.register()

    await demote(house, made["user_id"], "viewer")

    seen = await facts(house, made["api_key"])
    assert (seen["role"], seen["owner"], len(seen["permissions"])) == ("viewer", False, 10)
    await house.served.administrator.execute("delete from identity.project_members")
    assert (await facts(house, made["api_key"]))["projects"] == []


async def test_expired_revoked_and_unknown_keys_are_told_apart(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    until = (house.now + timedelta(hours=1)).isoformat()
    short = await issued(house, owner, expires_at=until)

    house.pass_time(minutes=59)
    assert (await house.resolve(short["api_key"])).status_code == 200
    house.pass_time(minutes=1)
    expired = await house.resolve(short["api_key"])
    assert (expired.status_code, expired.json()["reason"]) == (404, "expired")

    gone = await house.served.ask(owner, "DELETE", f"/auth/api-keys/{short['id']}", headers={"If-Match": '"7"'})
    assert gone.status_code == 412
    assert (await house.served.ask(owner, "DELETE", f"/auth/api-keys/{short['id']}")).status_code == 204
    assert (await house.served.ask(owner, "DELETE", f"/auth/api-keys/{short['id']}")).status_code == 404
    revoked = await house.resolve(short["api_key"])
    assert (revoked.status_code, revoked.json()["reason"]) == (404, "revoked")
    event = (await house.served.said())[-1]
    assert (event.type, event.data.api_key_id) == ("identity.api_key_revoked.v1", short["id"])

    unknown = await house.resolve("vk_00000000_" + "0" * 64)
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "unknown")


async def test_use_is_noted_at_most_once_a_minute(house: Any) -> None:
    made = await house.register()
    used = "select last_used_at from identity.api_keys"

    await facts(house, made["api_key"])
    first = await house.served.administrator.fetchval(used)
    assert first == house.now
    house.pass_time(seconds=59)
    await facts(house, made["api_key"])
    assert await house.served.administrator.fetchval(used) == first
    house.pass_time(seconds=2)
    await facts(house, made["api_key"])
    assert await house.served.administrator.fetchval(used) == house.now


async def test_fifty_keys_are_enough_also_when_asked_for_at_once(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    for _ in range(46):
        await issued(house, owner, role="viewer")

    answers = await asyncio.gather(*(issue(house, owner) for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 422, 422, 422]
    assert (await house.served.ask(owner, "GET", "/auth/api-keys?limit=100")).json()["has_more"] is False


REFUSED: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"role": "owner"}, "/role", "not_in_enum"),
    ({"permissions": []}, "/permissions", "too_short"),
    ({"permissions": ["everything"]}, "/permissions/0", "not_in_enum"),
    ({"role": "viewer", "permissions": ["contacts.manage"]}, "/permissions", "not_allowed"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "out_of_range"),
    ({"expires_at": "2099-01-01T00:00:00"}, "/expires_at", "bad_format"),
    ({"name": ""}, "/name", "too_short"),
    ({"tenant_id": "x"}, "/tenant_id", "unknown_field"),
    ({"project_id": "0195f0a2-6f5c-7d0e-9a51-0d6f0c6b8f10"}, "/project_id", "not_found"),
)


async def test_what_a_key_cannot_be_is_refused_by_field(house: Any) -> None:
    owner = house.owner(await house.register())
    for body, pointer, code in REFUSED:
        answer = await issue(house, owner, **body)
        assert answer.status_code == 400, body
        assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]
    assert await house.rows("api_keys") == 1


async def test_another_tenant_finds_no_key_and_revokes_none(house: Any) -> None:
    made = await house.register()
    eva = await house.register("eva@example.com")
    stranger = house.owner(eva)
    key = await issued(house, house.owner(made))
    before = await house.said()

    for method in ("GET", "DELETE"):
        foreign = await house.served.ask(stranger, method, f"/auth/api-keys/{key['id']}")
        unknown = await house.served.ask(stranger, method, "/auth/api-keys/0195f0a2-6f5c-7d0e-9a51-0d6f0c6b8f10")
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json()["detail"] == unknown.json()["detail"]
    listed = (await house.served.ask(stranger, "GET", f"/auth/api-keys?user_id={made['user_id']}")).json()
    assert listed["data"] == []
    assert (await issue(house, stranger, project_id=made["default_project_id"])).status_code == 400
    assert (await house.resolve(key["api_key"])).status_code == 200
    assert await house.said() == before


async def test_others_keys_are_for_administrators(house: Any) -> None:
    made = await house.register()
    place = (made["tenant_id"], made["default_project_id"])
    agent = a_caller(*place, role="agent")
    admin = a_caller(*place, role="admin")
    narrowed = a_caller(*place, role="admin", permissions=frozenset({"contacts.view"}))
    key = await issued(house, house.owner(made))
    path, others = f"/auth/api-keys/{key['id']}", f"/auth/api-keys?user_id={made['user_id']}"

    for somebody in (agent, narrowed):
        assert (await house.served.ask(somebody, "GET", others)).status_code == 403
        assert (await house.served.ask(somebody, "GET", path)).status_code == 404
        assert (await house.served.ask(somebody, "DELETE", path)).status_code == 404
    assert len((await house.served.ask(admin, "GET", others)).json()["data"]) == 2
    assert (await house.served.ask(admin, "DELETE", path)).status_code == 204


async def test_keys_are_listed_in_pages(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    for number in range(4):
        house.pass_time(seconds=1)
        await issued(house, owner, name=f"k{number}")

    first = (await house.served.ask(owner, "GET", "/auth/api-keys?limit=3")).json()
    rest = (await house.served.ask(owner, "GET", f"/auth/api-keys?limit=3&cursor={first['next_cursor']}")).json()

    assert [each["name"] for each in first["data"]] == ["k3", "k2", "k1"]
    assert [each["name"] for each in rest["data"]] == ["k0", "First key"]
    assert (await house.served.ask(owner, "GET", "/auth/api-keys?sort=name")).json()["code"] == "invalid_sort"
