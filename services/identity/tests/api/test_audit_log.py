"""The audit log: what identity itself writes, what it hears, and who reads it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from contracts.audit.recorded_v1 import AuditRecordedV1
from contracts.bundles import alone
from contracts.envelope import AnyEvent, first_event
from contracts.reading import Reader, Unreadable
from contracts.topology import load_topology
from outbox.inbox import Inbox
from testkit.serving import a_caller
from web.works import NOBODY

PASSWORD = "um cavalo bebe chá frio"
LOG = "/crm/audit-log"
EXAMPLES = Path(__file__).parents[4] / "contracts" / "examples" / AuditRecordedV1.TYPE


async def hear(house: Any, *events: AnyEvent) -> None:
    """Deliver events one by one, as the broker would."""
    subscription = next(each for each in house.served.blueprint.subscriptions if each.consumer == "audit_recorded")
    inbox: Inbox = house.served.parts.inbox
    for event in events:
        await inbox.apply([(subscription.consumer, alone([event]), subscription.handle)])


def entry(house: Any, tenant_id: str, **more: Any) -> AnyEvent:
    """Return what some service said of a write."""
    facts: dict[str, Any] = {"actor_kind": "user", "action": "change_contact", "object_type": "contact"}
    envelope = {"project_id": more.pop("project_id", None), "time": more.pop("time", house.now)}
    new_id = house.served.parts.works.new_id
    data = AuditRecordedV1(**{**facts, "request_id": new_id(), **more})
    return first_event(
        data,
        id=new_id(),
        source="contact",
        subject=tenant_id,
        tenant_id=tenant_id,
        partition_key=tenant_id,
        correlation_id=new_id(),
        actor="user:x",
        **envelope,
    )


async def log(house: Any, caller: Any, **query: Any) -> list[dict[str, Any]]:
    answer = await house.served.ask(caller, "GET", LOG, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_what_is_heard_is_kept_once_with_the_name_of_who_did_it(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    key_id = (await house.resolve(made["api_key"])).json()["credential_id"]
    changes = {"name": {"from": "Ana", "to": "Bia"}}
    mine = entry(house, made["tenant_id"], actor_id=made["user_id"], object_id="c1", changes=changes, ip="203.0.113.5")
    keys = entry(house, made["tenant_id"], actor_kind="api_key", actor_id=key_id, user_agent="curl/8")
    gone = entry(house, made["tenant_id"], actor_id=NOBODY)

    await hear(house, mine, keys, gone, mine)

    found = {each["id"]: each for each in await log(house, owner)}
    assert len(found) == 3
    assert found[mine.id]["actor"] == {"kind": "user", "id": made["user_id"], "name": "Ana Lima"}
    assert found[mine.id]["changes"] == changes
    assert (found[mine.id]["object_id"], found[mine.id]["ip"], found[mine.id]["source"]) == (
        "c1",
        "203.0.113.5",
        "contact",
    )
    assert found[mine.id]["correlation_id"] == mine.correlationid
    assert found[keys.id]["actor"]["name"] and found[keys.id]["user_agent"] == "curl/8"
    assert found[gone.id]["actor"] == {"kind": "user", "id": NOBODY, "name": None}


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.json")))
async def test_every_example_is_heard(house: Any, example: str) -> None:
    event = Reader(AuditRecordedV1).read((EXAMPLES / example).read_bytes())
    assert not isinstance(event, Unreadable)
    await hear(house, event)
    assert await house.rows("audit_entries") == 1


async def test_it_is_read_by_pages_and_by_its_closed_filters(house: Any) -> None:
    made = await house.register()
    owner, tenant = house.owner(made), made["tenant_id"]
    times = [house.now - timedelta(minutes=minutes) for minutes in range(7)]
    events = [entry(house, tenant, time=time, object_id=f"c{number % 2}") for number, time in enumerate(times)]
    events.append(entry(house, tenant, action="login", object_type="user", actor_id=made["user_id"], time=times[3]))
    await hear(house, *events)

    first = (await house.served.ask(owner, "GET", LOG, params={"limit": 5})).json()
    rest = (await house.served.ask(owner, "GET", LOG, params={"limit": 5, "cursor": first["next_cursor"]})).json()

    told = [each["created_at"] for each in first["data"] + rest["data"]]
    assert (len(first["data"]), len(rest["data"]), rest["has_more"]) == (5, 3, False)
    assert told == sorted(told, reverse=True)
    assert len(await log(house, owner, action="login")) == 1
    assert len(await log(house, owner, object_type="contact")) == 7
    assert len(await log(house, owner, object_id="c1")) == 3
    assert len(await log(house, owner, actor_id=made["user_id"])) == 1
    assert len(await log(house, owner, created_after=times[2].isoformat())) == 3
    assert len(await log(house, owner, created_before=times[2].isoformat())) == 5
    for query in ({"actor": "x"}, {"sort": "action"}, {"actor_id": "x"}, {"limit": 101}):
        assert (await house.served.ask(owner, "GET", LOG, params=query)).status_code == 400


async def test_agents_other_tenants_and_other_projects_read_nothing(house: Any) -> None:
    made, other = await house.register(), await house.register("bia@example.com")
    tenant, project = made["tenant_id"], made["default_project_id"]
    await hear(house, entry(house, tenant, project_id=project), entry(house, tenant))

    assert len(await log(house, house.owner(made))) == 2
    assert await log(house, house.owner(other)) == []
    elsewhere = replace(house.owner(made), project_id=other["default_project_id"])
    assert [each["project_id"] for each in await log(house, elsewhere)] == [None]
    for role in ("viewer", "agent", "supervisor"):
        assert (await house.served.ask(a_caller(tenant, project, role=role), "GET", LOG)).status_code == 403
    assert (await house.served.client.get(f"/api/v1{LOG}")).status_code == 401


async def test_signing_in_failing_and_changing_credentials_leaves_entries_without_secrets(house: Any) -> None:
    made = await house.register()
    owner = replace(house.owner(made), correlation_id=made["tenant_id"])
    assert (await house.log_in(password="wrong one entirely")).status_code == 401
    assert (await house.log_in("nobody@example.com")).status_code == 401
    tokens = (await house.log_in()).json()
    refreshed = (await house.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]})).json()
    assert (await house.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]})).status_code == 401
    key = (await house.served.ask(owner, "POST", "/auth/api-keys", json={"name": "second"})).json()
    await house.served.ask(owner, "DELETE", f"/auth/api-keys/{key['id']}")
    wrong = {"current_password": "not this one", "new_password": "sete barcos sem nenhum remo"}
    right = {**wrong, "current_password": PASSWORD}
    assert (await house.served.ask(owner, "POST", "/auth/password", json=wrong)).status_code == 401
    assert (await house.served.ask(owner, "POST", "/auth/password", json=right)).status_code == 204
    assert (await house.post("/auth/password/forgot", {"email": "ana@example.com"})).status_code == 202

    said = await house.served.audited()

    tenant, user = made["tenant_id"], made["user_id"]
    assert [(each.tenantid, each.data.action, each.data.actor_kind, each.data.object_id) for each in said] == [
        (tenant, "register", "user", user),
        (tenant, "login_failed", "system", user),
        (NOBODY, "login_failed", "system", None),
        (tenant, "login", "user", user),
        (tenant, "refresh", "user", user),
        (tenant, "refresh_failed", "system", user),
        (tenant, "create_api_key", "user", key["id"]),
        (tenant, "delete_api_key", "user", key["id"]),
        (tenant, "change_own_password_failed", "user", user),
        (tenant, "change_own_password", "user", user),
        (NOBODY, "forgot_password", "system", None),
    ]
    assert said[6].data.changes["name"] == {"from": None, "to": "second"}
    assert said[7].data.changes["revoked_at"]["from"] is None
    assert {each.data.ip for each in said[:6]} == {"203.0.113.5"}
    secrets = [PASSWORD, "wrong one", "not this", "sete barcos", made["api_key"], key["api_key"], "nobody@example.com"]
    secrets += [each[name] for each in (made, tokens, refreshed) for name in ("access_token", "refresh_token")]
    assert [each for each in secrets if each in str(said)] == []


async def test_the_service_cannot_change_or_forget_what_was_written(house: Any) -> None:
    made = await house.register()
    await hear(house, entry(house, made["tenant_id"]))
    for statement in ("update audit_entries set action = 'x'", "delete from audit_entries", "truncate audit_entries"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with house.served.parts.works.begin([made["tenant_id"]]) as work:
                await work.connection.execute(statement)


async def test_months_are_made_ahead_and_dropped_after_two_years_and_never_before(house: Any) -> None:
    administrator = house.served.administrator
    months = "select relname from pg_class where relname ~ '^audit_entries_m[0-9]{6}$' order by relname"
    ahead = await administrator.fetch(months)
    for name, first, end in (("201901", "2019-01-01", "2019-02-01"), ("202511", "2025-11-01", "2025-12-01")):
        await administrator.execute(
            f"create table identity.audit_entries_m{name} partition of identity.audit_entries for values from ('{first}') to ('{end}')"
        )

    async with house.served.parts.works.begin([NOBODY]) as work:
        assert await work.connection.fetchval("select keep_audit_partitions(0)") == 0

    left = [row["relname"] for row in await administrator.fetch(months)]
    assert len(ahead) == 3
    assert left == ["audit_entries_m202511", *(row["relname"] for row in ahead)]


def test_identity_alone_hears_it() -> None:
    assert [*load_topology().subscriptions_of(AuditRecordedV1.TYPE)] == ["identity.audit_recorded"]
