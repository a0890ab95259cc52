"""Channels over HTTP: what is asked, what is answered, what is said, and what is never shown."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.channel.deleted_v1 import ChannelDeletedV1
from contracts.channel.updated_v1 import ChannelUpdatedV1
from contracts.reading import Reader, Unreadable

FIELDS = {
    *("id", "tenant_id", "project_id", "version", "created_at", "updated_at", "deleted_at"),
    *("name", "type", "status", "external_id", "phone", "waha_config", "webhook_id", "webhook_url"),
    *("webhook_configured_at", "webhook_active", "connection_mode", "pipeline_id", "default_agent_id"),
    *("default_session_timeout_minutes", "ai_enabled", "ai_agents_enabled", "allow_groups", "tracking_enabled"),
    *("debounce_timeout_ms", "messaging_window_hours", "pace", "ai_content", "messages_received", "messages_sent"),
    *("last_message_at", "last_error_at", "last_error", "history_import_enabled", "history_import_max_days"),
    *("history_import_max_messages_per_chat", "last_import_date", "history_import_status", "history_import_stats"),
    "created_by",
}
WAHA = {"base_url": "https://waha.example.com/", "api_key": "the-provider-key", "session_id": "shop"}
NEW = {"name": "Shop", "type": "waha", "waha_config": WAHA}


async def test_a_new_channel_answers_every_field_and_its_webhook_key_once(gateway: Any, tenant: Any) -> None:
    answer = await gateway.ask(tenant, "POST", "/crm/channels", json=NEW)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told.keys() == FIELDS | {"webhook_secret"}
    assert (told["tenant_id"], told["project_id"], told["version"]) == (tenant.tenant_id, tenant.project_id, 1)
    assert told["waha_config"] == {
        "base_url": "https://waha.example.com",
        "session_id": "shop",
        "api_key_set": True,
    }
    assert uuid.UUID(told["webhook_id"]).version == 4
    assert told["webhook_url"] == f"https://hooks.example.com/api/v1/webhooks/{told['webhook_id']}"
    assert len(bytes.fromhex(told["webhook_secret"])) == 32
    assert (told["status"], told["webhook_active"], told["connection_mode"]) == ("inactive", False, "auto")
    assert (told["debounce_timeout_ms"], told["tracking_enabled"], told["allow_groups"]) == (15000, True, False)
    assert told["pace"]["messages_per_minute"] == 20
    assert told["ai_content"]["voice"]["priority"] == 10
    assert told["created_by"] == f"user:{tenant.subject}"
    assert answer.headers["location"] == f"/api/v1/crm/channels/{told['id']}"
    assert answer.headers["etag"] == '"1"'
    got = await gateway.ask(tenant, "GET", f"/crm/channels/{told['id']}")
    assert got.json().keys() == FIELDS
    assert got.json() == {name: value for name, value in told.items() if name != "webhook_secret"}


async def test_creating_changing_and_removing_are_said(gateway: Any, tenant: Any) -> None:
    told = (await gateway.ask(tenant, "POST", "/crm/channels", json=NEW)).json()
    path = f"/crm/channels/{told['id']}"
    await gateway.ask(tenant, "PATCH", path, json={"name": "Shop 2", "allow_groups": True})
    await gateway.ask(tenant, "DELETE", path)
    said = await gateway.said(None)
    readers = {each.TYPE: Reader(each) for each in (ChannelCreatedV1, ChannelUpdatedV1, ChannelDeletedV1)}
    events = [readers[each["type"]].read(json.dumps(each).encode()) for each in said]
    assert not any(isinstance(event, Unreadable) for event in events)
    created, updated, deleted = events
    assert (created.subject, created.partitionkey, created.actor) == (told["id"], told["id"], f"user:{tenant.subject}")
    assert (created.data.name, created.data.type, created.data.version) == ("Shop", "waha", 1)
    assert (updated.data.name, updated.data.version, updated.data.changed) == ("Shop 2", 2, ("allow_groups", "name"))
    assert (deleted.data.channel_id, deleted.data.by) == (told["id"], f"user:{tenant.subject}")
    assert all(event.tenantid == tenant.tenant_id and event.projectid == tenant.project_id for event in events)


async def test_no_secret_is_ever_shown_said_stored_in_clear_or_logged(
    gateway: Any, tenant: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    told = (await gateway.ask(tenant, "POST", "/crm/channels", json=NEW, headers={"Idempotency-Key": "k"})).json()
    path = f"/crm/channels/{told['id']}"
    answers = [
        await gateway.ask(tenant, "PATCH", path, json={"waha_config": {"api_key": "another-provider-key"}}),
        await gateway.ask(tenant, "GET", path),
        await gateway.ask(tenant, "GET", "/crm/channels"),
        await gateway.ask(tenant, "GET", f"{path}/webhook-url"),
        await gateway.ask(tenant, "PATCH", path, json={"waha_config": {"api_key": 5}}),
    ]
    secrets = ("the-provider-key", "another-provider-key", told["webhook_secret"])
    dump = []
    tables = await gateway.rows(
        "select relname from pg_class where relnamespace = 'channel_gateway'::regnamespace and relkind = 'r'"
    )
    for table in tables:
        for row in await gateway.rows(f'select t::text as row from channel_gateway."{table["relname"]}" t'):
            dump.append(row["row"])
    assert any(told["id"] in row for row in dump)
    captured = capsys.readouterr()
    everything = " ".join((*(answer.text for answer in answers), *dump, captured.out, captured.err))
    for secret in secrets:
        assert secret not in everything
        assert secret.encode().hex() not in everything  # as a bytea is printed


async def test_the_same_request_twice_connects_one_channel_and_answers_the_same_key(gateway: Any, tenant: Any) -> None:
    answers = [
        await gateway.ask(tenant, "POST", "/crm/channels", json=NEW, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len(await gateway.rows("select from channel_gateway.channels")) == 1


async def test_one_channel_per_provider_session_and_tenant(gateway: Any, tenant: Any, tenant_of: Any) -> None:
    first = (await gateway.ask(tenant, "POST", "/crm/channels", json=NEW)).json()
    same = {**NEW, "waha_config": {**WAHA, "base_url": "https://WAHA.example.com:443"}}
    second = await gateway.ask(tenant, "POST", "/crm/channels", json=same)
    assert (second.status_code, second.json()["code"]) == (409, "already_exists")
    assert second.json()["existing_id"] == first["id"]
    assert (await gateway.ask(tenant_of(), "POST", "/crm/channels", json=NEW)).status_code == 201
    elsewhere = {**NEW, "waha_config": {**WAHA, "session_id": "other"}}
    other = (await gateway.ask(tenant, "POST", "/crm/channels", json=elsewhere)).json()
    moved = await gateway.ask(
        tenant, "PATCH", f"/crm/channels/{other['id']}", json={"waha_config": {"session_id": "shop"}}
    )
    assert (moved.status_code, moved.json()["code"]) == (409, "already_exists")
    await gateway.ask(tenant, "DELETE", f"/crm/channels/{first['id']}")
    assert (await gateway.ask(tenant, "POST", "/crm/channels", json=NEW)).status_code == 201


async def test_two_who_connect_the_same_session_at_once_get_one_channel(gateway: Any, tenant: Any) -> None:
    answers = await asyncio.gather(*(gateway.ask(tenant, "POST", "/crm/channels", json=NEW) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_who_names_no_session_gets_one_of_their_own(gateway: Any, tenant: Any) -> None:
    config = {"base_url": WAHA["base_url"], "token": "t"}
    names = []
    for more in ({}, {"session_id": "new"}):
        answer = await gateway.ask(tenant, "POST", "/crm/channels", json={**NEW, "waha_config": {**config, **more}})
        assert answer.status_code == 201, answer.text
        names.append(answer.json()["waha_config"]["session_id"])
    assert len(set(names)) == 2
    assert "new" not in names


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"name": ""}, 400, "validation_failed", "/name"),
        ({"name": "x" * 101}, 400, "validation_failed", "/name"),
        ({"type": "fax"}, 400, "validation_failed", "/type"),
        ({"type": "telegram", "telegram_config": {"bot_token": "x", "bot_id": "y"}}, 422, "rule_violated", "/type"),
        ({"type": "whatsapp_business", "waha_config": None}, 422, "rule_violated", "/type"),
        ({"telegram_config": {}}, 400, "validation_failed", "/telegram_config"),
        ({"waha_config": None}, 400, "validation_failed", "/waha_config"),
        ({"waha_config": {"base_url": "https://x.example.com"}}, 400, "validation_failed", "/waha_config/api_key"),
        ({"waha_config": {**WAHA, "token": "t"}}, 400, "validation_failed", "/waha_config/token"),
        ({"waha_config": {**WAHA, "session_id": "a b"}}, 400, "validation_failed", "/waha_config/session_id"),
        ({"waha_config": {**WAHA, "base_url": "https://10.0.0.1"}}, 422, "url_not_allowed", "/waha_config/base_url"),
        (
            {"waha_config": {**WAHA, "base_url": "http://waha.example.com"}},
            422,
            "url_not_allowed",
            "/waha_config/base_url",
        ),
        (
            {"waha_config": {**WAHA, "base_url": "https://mixed.example.com"}},
            422,
            "url_not_allowed",
            "/waha_config/base_url",
        ),
        (
            {"waha_config": {**WAHA, "base_url": "https://hooks.example.com"}},
            422,
            "loop_detected",
            "/waha_config/base_url",
        ),
        ({"ai_agents_enabled": True}, 422, "rule_violated", "/ai_agents_enabled"),
        ({"debounce_timeout_ms": 300_001}, 400, "validation_failed", "/debounce_timeout_ms"),
        ({"default_session_timeout_minutes": 0}, 400, "validation_failed", "/default_session_timeout_minutes"),
        ({"messaging_window_hours": 169}, 400, "validation_failed", "/messaging_window_hours"),
        ({"webhook_secret": "mine"}, 400, "validation_failed", "/webhook_secret"),
        ({"waha_config": {**WAHA, "colour": "red"}}, 400, "validation_failed", "/waha_config/colour"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_field_and_nothing_is_made(
    gateway: Any, tenant: Any, change: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    answer = await gateway.ask(tenant, "POST", "/crm/channels", json={**NEW, **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await gateway.rows("select from channel_gateway.channels") == []
    assert await gateway.rows("select from channel_gateway.credentials") == []
    assert await gateway.said(None) == []


async def test_an_inner_address_is_refused_on_changing_too_unless_the_operator_lists_it(
    gateway: Any, tenant: Any
) -> None:
    told = (await gateway.ask(tenant, "POST", "/crm/channels", json=NEW)).json()
    path = f"/crm/channels/{told['id']}"
    for url in ("http://waha.internal:3001", "https://localhost", "https://169.254.169.254"):
        refused = await gateway.ask(tenant, "PATCH", path, json={"waha_config": {"base_url": url}})
        assert (refused.status_code, refused.json()["code"]) == (422, "url_not_allowed")
    listed = await gateway.ask(tenant, "PATCH", path, json={"waha_config": {"base_url": "http://waha.internal:3000/"}})
    assert listed.json()["waha_config"]["base_url"] == "http://waha.internal:3000"


async def test_a_change_touches_what_was_sent_and_counts_the_version(gateway: Any, tenant: Any) -> None:
    pipeline = str(uuid.uuid4())
    told = (await gateway.ask(tenant, "POST", "/crm/channels", json={**NEW, "pipeline_id": pipeline})).json()
    path = f"/crm/channels/{told['id']}"
    changed = await gateway.ask(
        tenant,
        "PATCH",
        path,
        json={
            "pipeline_id": None,
            "session_timeout_minutes": 90,
            "pace": {"burst": 9},
            "ai_content": {"image": {"enabled": False}},
        },
        headers={"If-Match": '"1"'},
    )
    assert changed.status_code == 200, changed.text
    now = changed.json()
    assert (now["version"], now["pipeline_id"], now["default_session_timeout_minutes"]) == (2, None, 90)
    assert (now["pace"]["burst"], now["pace"]["messages_per_minute"]) == (9, 20)
    assert (now["ai_content"]["image"]["enabled"], now["ai_content"]["text"]["enabled"]) == (False, True)
    untouched = FIELDS - {
        *("version", "pipeline_id", "default_session_timeout_minutes", "pace", "ai_content", "updated_at")
    }
    assert {name: now[name] for name in untouched} == {name: told[name] for name in untouched}
    stale = await gateway.ask(tenant, "PATCH", path, json={"name": "x"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    same = await gateway.ask(tenant, "PUT", path, json={"session_timeout_minutes": 90})
    assert same.json()["version"] == 2
    assert len(await gateway.said(None)) == 2


@pytest.mark.parametrize(
    "change", [{"name": None}, {"type": "waha"}, {"allow_groups": None}, {"waha_config": {"base_url": None}}, {"x": 1}]
)
async def test_what_cannot_be_cleared_or_changed_is_refused(gateway: Any, tenant: Any, change: dict[str, Any]) -> None:
    told = (await gateway.ask(tenant, "POST", "/crm/channels", json=NEW)).json()
    answer = await gateway.ask(tenant, "PATCH", f"/crm/channels/{told['id']}", json=change)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_a_replaced_provider_key_is_sealed_anew_and_the_webhook_key_stays(
    gateway: Any, tenant: Any, text_of: Any
) -> None:
    channel = await gateway.connect(tenant)
    before = await gateway.rows("select type, ciphertext from channel_gateway.credentials order by type")
    path = f"/crm/channels/{channel.id}"
    changed = await gateway.ask(tenant, "PATCH", path, json={"waha_config": {"api_key": "another"}})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    after = await gateway.rows("select type, ciphertext from channel_gateway.credentials order by type")
    assert [row["type"] for row in after] == ["waha_instance", "webhook_auth"]
    assert after[0]["ciphertext"] != before[0]["ciphertext"]
    assert after[1] == before[1]
    assert (await gateway.post(channel, text_of())).status_code == 200


async def test_a_removed_channel_is_gone_and_its_secrets_are_destroyed(gateway: Any, tenant: Any) -> None:
    told = (await gateway.ask(tenant, "POST", "/crm/channels", json=NEW)).json()
    path = f"/crm/channels/{told['id']}"
    stale = await gateway.ask(tenant, "DELETE", path, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    assert (await gateway.ask(tenant, "DELETE", path)).status_code == 204
    for method, more in (("GET", {}), ("DELETE", {}), ("PATCH", {"json": {"name": "x"}})):
        assert (await gateway.ask(tenant, method, path, **more)).status_code == 404
    assert (await gateway.ask(tenant, "GET", "/crm/channels")).json()["data"] == []
    (removed,) = (await gateway.ask(tenant, "GET", "/crm/channels?include_deleted=true")).json()["data"]
    assert removed["id"] == told["id"] and removed["deleted_at"] and not removed["waha_config"]["api_key_set"]
    assert await gateway.rows("select from channel_gateway.credentials") == []


async def test_another_tenant_or_project_finds_nothing(gateway: Any, tenant: Any, tenant_of: Any) -> None:
    told = (await gateway.ask(tenant, "POST", "/crm/channels", json=NEW)).json()
    path = f"/crm/channels/{told['id']}"
    strangers = [tenant_of(), tenant_of(tenant_id=tenant.tenant_id)]
    for stranger in strangers:
        for method, place, more in (
            ("GET", path, {}),
            ("GET", f"{path}/webhook-url", {}),
            ("GET", f"{path}/deliveries", {}),
            ("PATCH", path, {"json": {"name": "x"}}),
            ("DELETE", path, {}),
        ):
            answer = await gateway.ask(stranger, method, place, **more)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await gateway.ask(stranger, "GET", "/crm/channels")).json()["data"] == []
    assert (await gateway.ask(tenant, "GET", path)).json()["name"] == "Shop"
    assert len(await gateway.said(None)) == 1


async def test_who_may_only_look_changes_nothing(gateway: Any, tenant: Any) -> None:
    told = (await gateway.ask(tenant, "POST", "/crm/channels", json=NEW)).json()
    path = f"/crm/channels/{told['id']}"
    assert (await gateway.ask(tenant, "GET", path, role="viewer")).status_code == 200
    for method, place, more in (
        ("POST", "/crm/channels", {"json": NEW}),
        ("PATCH", path, {"json": {"name": "x"}}),
        ("DELETE", path, {}),
        ("GET", f"{path}/deliveries", {}),
    ):
        answer = await gateway.ask(tenant, method, place, role="supervisor", **more)
        assert (answer.status_code, answer.json()["required"]) == (403, "channels.manage")


async def test_channels_are_listed_page_by_page_filtered_and_sorted(gateway: Any, tenant: Any, text_of: Any) -> None:
    channels = [
        await gateway.connect(tenant, name=name, pipeline_id=str(uuid.UUID(int=number)))
        for number, name in enumerate(("b", "c", "a"))
    ]
    await gateway.post(channels[1], text_of())
    first = (await gateway.ask(tenant, "GET", "/crm/channels?sort=name&limit=2")).json()
    assert ([each["name"] for each in first["data"]], first["has_more"]) == (["a", "b"], True)
    rest = (await gateway.ask(tenant, "GET", f"/crm/channels?sort=name&limit=2&cursor={first['next_cursor']}")).json()
    assert ([each["name"] for each in rest["data"]], rest["has_more"]) == (["c"], False)
    asked = {
        "": ["a", "c", "b"],
        "?sort=created_at": ["b", "c", "a"],
        "?sort=-last_message_at&limit=1": ["c"],
        f"?pipeline_id={uuid.UUID(int=2)}": ["a"],
        "?type=waha,telegram": ["a", "c", "b"],
        "?type=telegram": [],
        "?active=false": ["a", "c", "b"],
        "?status=active,error": [],
    }
    for query, names in asked.items():
        answer = await gateway.ask(tenant, "GET", f"/crm/channels{query}")
        assert answer.status_code == 200, answer.text
        assert [each["name"] for each in answer.json()["data"]] == names, query
    listed = (await gateway.ask(tenant, "GET", "/crm/channels?sort=-last_message_at&limit=1")).json()["data"][0]
    assert listed.keys() == FIELDS
    assert listed["messages_received"] == 1
    assert (await gateway.ask(tenant, "GET", "/crm/channels?sort=webhook_id")).json()["code"] == "invalid_sort"
    assert (await gateway.ask(tenant, "GET", "/crm/channels?status=odd")).status_code == 400


async def test_the_webhook_url_comes_with_all_that_the_provider_must_be_told(gateway: Any, tenant: Any) -> None:
    channel = await gateway.connect(tenant)
    told = (await gateway.ask(tenant, "GET", f"/crm/channels/{channel.id}/webhook-url")).json()
    assert told.pop("instructions").keys() == {"url", "events", "hmac", "retries"}
    assert "message.any" in told["events"]
    assert "message" not in told.pop("events")
    assert told == {
        "channel_id": channel.id,
        "channel_name": "Shop",
        "channel_type": "waha",
        "webhook_id": channel.webhook_id,
        "webhook_url": f"https://hooks.example.com/api/v1/webhooks/{channel.webhook_id}",
        "hmac_algorithm": "sha512",
        "retries": {"policy": "exponential", "attempts": 15, "delay_seconds": 2},
    }


async def test_deliveries_are_listed_newest_first_without_their_bodies(gateway: Any, tenant: Any, text_of: Any) -> None:
    channel = await gateway.connect(tenant)
    bodies = [
        text_of("a secret word", bare_id="ONE"),
        text_of("a secret word", bare_id="ONE"),
        {"event": "engine.event", "session": "shop", "payload": {}},
        {"event": "message.any", "session": "shop", "payload": None},
    ]
    for body in bodies:
        await gateway.post(channel, body)
    path = f"/crm/channels/{channel.id}/deliveries"
    answer = await gateway.ask(tenant, "GET", path)
    found = answer.json()["data"]
    assert [each["state"] for each in found] == ["parked", "ignored", "duplicate", "applied"]
    assert [each["reason"] for each in found] == ["payload_missing", "debug_event", None, None]
    assert found[-1]["size"] == len(json.dumps(bodies[0], ensure_ascii=False).encode())
    assert "secret word" not in answer.text
    some = (await gateway.ask(tenant, "GET", f"{path}?state=parked,applied&limit=1")).json()
    assert ([each["state"] for each in some["data"]], some["has_more"]) == (["parked"], True)
    rest = (
        await gateway.ask(tenant, "GET", f"{path}?state=parked,applied&limit=1&cursor={some['next_cursor']}")
    ).json()
    assert [each["state"] for each in rest["data"]] == ["applied"]
    named = (await gateway.ask(tenant, "GET", f"{path}?provider_event=engine.event")).json()
    assert len(named["data"]) == 1
    since = found[1]["received_at"]
    later = (await gateway.ask(tenant, "GET", path, params={"received_after": since})).json()
    assert {each["id"] for each in later["data"]} >= {found[0]["id"], found[1]["id"]}


async def test_the_document_describes_every_route_and_shows_no_secret_field_in_answers(gateway: Any) -> None:
    document = gateway.app.openapi()
    assert {"/api/v1/crm/channels", "/api/v1/crm/channels/{channel_id}", "/api/v1/webhooks/info"} <= document[
        "paths"
    ].keys()
    answers = document["components"]["schemas"]
    assert "webhook_secret" in answers["ConnectedChannel"]["properties"]
    assert "webhook_secret" not in answers["ChannelAnswer"]["properties"]
    assert not {"api_key", "token"} & answers["WahaConfigAnswer"]["properties"].keys()
