"""What the webhook door answers, and what it leaves behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from contracts.channel.message_acked_v1 import ChannelMessageAckedV1
from contracts.channel.message_received_v1 import ChannelMessageReceivedV1
from contracts.reading import Reader, Unreadable
from telemetry.metrics import value_of
from waha_simulator.payloads import (
    ENGINES,
    Media,
    Message,
    Person,
    ack_of_own,
    incoming_media,
    message_event,
    own_text,
)
from waha_simulator.signing import sign

SHOP = Person("5548911110000", "900000000000001", "The Shop")
ROSA = Person("5548922220000", "700000000000002", "Rosa")


async def test_a_genuine_message_is_stored_with_its_event_and_answered(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    body = text_of("hello there")
    answer = await gateway.post(channel, body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.pop("message")
    (delivery,) = await gateway.rows("select * from channel_gateway.inbound_deliveries")
    assert told == {
        "status": "queued",
        "event_id": str(delivery["id"]),
        "webhook_id": channel.webhook_id,
        "channel_id": channel.id,
        "session": "shop",
    }
    assert answer.headers["x-correlation-id"] == told["event_id"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert delivery["state"] == "applied"
    assert json.loads(delivery["raw"]) == body
    assert json.loads(delivery["headers"])["x-webhook-request-id"] == "18a767mkh37y0h"
    assert (delivery["provider_event"], delivery["provider_event_id"]) == ("message.any", body["id"])
    (event,) = await gateway.said()
    assert event["subject"] == channel.id
    assert event["correlationid"] == str(delivery["id"])
    assert event["partitionkey"] == f"{channel.id}:5548922220000@c.us"
    assert (event["tenantid"], event["projectid"]) == (channel.tenant.tenant_id, channel.tenant.project_id)
    assert (event["actor"], event["source"]) == ("provider:waha", "channel-gateway")
    data = event["data"]
    assert data["content"] == {"type": "text", "text": "hello there"}
    assert data["contact_identities"] == [
        {"kind": "wa_pn", "value": "5548922220000@c.us"},
        {"kind": "wa_lid", "value": "700000000000002@lid"},
    ]
    assert (data["provider"], data["provider_session"], data["engine"]) == ("waha", "shop", "GOWS")
    assert (data["direction"], data["origin"], data["late"], data["push_name"]) == ("inbound", "live", False, "Rosa")
    assert data["channel_settings"] == {"debounce_timeout_ms": 15000}
    (activity,) = await gateway.rows("select * from channel_gateway.channel_activity")
    assert (activity["messages_received"], activity["messages_sent"]) == (1, 0)
    assert activity["last_event_at"] == delivery["received_at"]


@pytest.mark.parametrize("engine", ENGINES)
async def test_messages_media_own_messages_and_receipts_of_every_engine_become_events_of_the_contract(
    gateway: Any, text_of: Any, engine: str
) -> None:
    channel = await gateway.connect()
    at = (await gateway.rows("select now() as now"))[0]["now"]
    picture = Media("image/jpeg", 2048, url="https://waha.example.com/api/files/x.jpg")
    bodies = [
        text_of("oi", engine=engine),
        incoming_media(
            engine=engine,
            session="shop",
            me=SHOP,
            customer=ROSA,
            kind="image",
            media=picture,
            caption="look",
            at=at,
            bare_id="3EB0AAAA",
        ),
        own_text(engine=engine, session="shop", me=SHOP, customer=ROSA, text="hi", at=at, bare_id="3EB0BBBB"),
    ]
    bodies.append(ack_of_own(engine=engine, session="shop", me=SHOP, customer=ROSA, bare_id="3EB0BBBB", level=3, at=at))
    for body in bodies:
        answer = await gateway.post(channel, body)
        assert (answer.status_code, answer.json()["status"]) == (200, "queued"), answer.text
    assert await gateway.states(channel) == ["applied"] * 4
    said = await gateway.said(None)
    readers = {each.TYPE: Reader(each) for each in (ChannelMessageReceivedV1, ChannelMessageAckedV1)}
    events = [readers[e["type"]].read(json.dumps(e).encode()) for e in said if e["type"] in readers]
    assert not any(isinstance(event, Unreadable) for event in events), events
    text, image, mine, ack = (event.data for event in events)
    assert json.loads(bytes(text.content)) == {"type": "text", "text": "oi"}
    media = json.loads(bytes(image.content))["media"]
    assert (media["mime_type"], media["state"]) == ("image/jpeg", "pending")
    assert "url" not in json.dumps(media)
    assert (mine.from_me, mine.direction, mine.source) == (True, "outbound", "phone")
    assert (ack.provider_message_id, ack.level, ack.level_name) == ("3EB0BBBB", 3, "READ")
    assert ack.external_chat_id == mine.external_chat_id
    (activity,) = await gateway.rows("select * from channel_gateway.channel_activity")
    assert (activity["messages_received"], activity["messages_sent"]) == (2, 1)


async def test_a_redelivery_is_a_duplicate_and_says_nothing(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    body = text_of()
    answers = [await gateway.post(channel, body) for _ in range(3)]
    assert [answer.json()["status"] for answer in answers] == ["queued", "duplicate", "duplicate"]
    assert all(answer.status_code == 200 for answer in answers)
    assert await gateway.states(channel) == ["applied", "duplicate", "duplicate"]
    assert len(await gateway.said()) == 1
    (activity,) = await gateway.rows("select * from channel_gateway.channel_activity")
    assert activity["messages_received"] == 1


async def test_the_same_delivery_twice_in_one_flush_is_applied_once(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    body = text_of()
    await gateway.post(channel, text_of("warm up", bare_id="WARM"))
    answers = await asyncio.gather(*(gateway.post(channel, body) for _ in range(20)))
    assert sorted(answer.json()["status"] for answer in answers) == ["duplicate"] * 19 + ["queued"]
    assert len(await gateway.said()) == 2


async def test_message_beside_message_any_is_one_message(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    body = text_of()
    first = await gateway.post(channel, {**body, "event": "message"})
    second = await gateway.post(channel, body)
    assert (first.json()["status"], second.json()["status"]) == ("queued", "duplicate")
    assert len(await gateway.said()) == 1


async def test_the_same_bare_id_under_phone_and_lid_is_stored_once(gateway: Any) -> None:
    channel = await gateway.connect()
    at = (await gateway.rows("select now() as now"))[0]["now"]
    answers = []
    for addressing in ("phone", "lid"):
        message = Message("3EB0SAME", ROSA.chat(addressing), at, text="oi", peer=ROSA)
        body = message_event(engine="WEBJS", session="shop", me=SHOP, message=message)
        answers.append((await gateway.post(channel, body)).json()["status"])
    assert answers == ["queued", "duplicate"]
    assert len(await gateway.said()) == 1


async def test_each_level_of_a_receipt_counts_once(gateway: Any) -> None:
    channel = await gateway.connect()
    at = (await gateway.rows("select now() as now"))[0]["now"]
    for level in (1, 2, 2, 3, 1):
        body = ack_of_own(
            engine="NOWEB", session="shop", me=SHOP, customer=ROSA, bare_id="3EB0BBBB", level=level, at=at
        )
        await gateway.post(channel, body)
    assert await gateway.states(channel) == ["applied", "applied", "duplicate", "applied", "duplicate"]
    assert [event["data"]["level"] for event in await gateway.said("channel.message_acked.v1")] == [1, 2, 3]


async def test_a_message_from_long_ago_is_marked_late(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    now = (await gateway.rows("select now() as now"))[0]["now"]
    await gateway.post(channel, text_of("old", at=now - timedelta(minutes=16), bare_id="OLD"))
    await gateway.post(channel, text_of("fresh", at=now - timedelta(minutes=14), bare_id="FRESH"))
    assert [event["data"]["late"] for event in await gateway.said()] == [True, False]


async def test_what_nothing_acts_on_yet_is_kept_and_noise_is_ignored_with_its_reason(gateway: Any) -> None:
    channel = await gateway.connect()
    at = (await gateway.rows("select now() as now"))[0]["now"]
    bodies: list[dict[str, Any]] = [
        {"event": "message.reaction", "session": "shop", "payload": {"id": "x"}},
        {"event": "something.new", "session": "shop", "payload": {}},
        {"event": "engine.event", "session": "shop", "payload": {}},
        message_event(
            engine="GOWS",
            session="shop",
            me=SHOP,
            message=Message("3EB0GROUP", "120363999999999999@g.us", at, text="x", author=ROSA),
        ),
    ]
    for body in bodies:
        assert (await gateway.post(channel, body)).json()["status"] == "queued"
    found = await gateway.rows(
        "select state, reason, provider_event from channel_gateway.inbound_deliveries order by id"
    )
    assert [tuple(row.values()) for row in found] == [
        ("kept", None, "message.reaction"),
        ("kept", None, "something.new"),
        ("ignored", "debug_event", "engine.event"),
        ("ignored", "groups_not_allowed", "message.any"),
    ]
    assert await gateway.said() == []
    assert value_of("deliveries_total", event="other", state="kept") >= 1


async def test_groups_are_heard_where_the_channel_allows_them(gateway: Any) -> None:
    channel = await gateway.connect(allow_groups=True)
    at = (await gateway.rows("select now() as now"))[0]["now"]
    message = Message("3EB0GROUP", "120363999999999999@g.us", at, text="x", author=ROSA)
    await gateway.post(channel, message_event(engine="GOWS", session="shop", me=SHOP, message=message))
    assert await gateway.states(channel) == ["applied"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"event": "message.any", "session": "shop", "payload": None}, "payload_missing"),
        ({"event": "message.any", "session": "shop", "payload": {"id": ""}}, "message_id_missing"),
        ({"session": "shop", "payload": {}}, "event_missing"),
        ([1, 2], "not_an_object"),
        (b"[" * 100_000 + b"]" * 100_000, "nested_too_deeply"),
    ],
)
async def test_authentic_but_untranslatable_is_kept_and_parked_with_its_reason(
    gateway: Any, body: Any, reason: str
) -> None:
    channel = await gateway.connect()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await gateway.post(channel, raw)
    assert (answer.status_code, answer.json()["status"]) == (200, "queued"), answer.text
    (delivery,) = await gateway.rows("select * from channel_gateway.inbound_deliveries")
    assert (delivery["state"], delivery["reason"], bytes(delivery["raw"])) == ("parked", reason, raw)
    (parked,) = await gateway.rows("select * from channel_gateway.parked_events")
    assert (parked["consumer"], parked["reason"], parked["status"]) == ("webhook", "untranslatable", "parked")
    assert parked["delivery_id"] == delivery["id"]
    assert parked["error"].startswith(reason)
    assert bytes(parked["event"]) == raw
    assert await gateway.said() == []


async def test_a_deleted_channel_is_nobody_at_once(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    assert (await gateway.post(channel, text_of())).status_code == 200
    assert (await gateway.ask(channel.tenant, "DELETE", f"/crm/channels/{channel.id}")).status_code == 204
    assert (await gateway.post(channel, text_of(bare_id="LATER"))).status_code == 404


async def test_a_change_of_settings_is_heeded_at_once(gateway: Any) -> None:
    channel = await gateway.connect()
    at = (await gateway.rows("select now() as now"))[0]["now"]
    bodies = [
        message_event(
            engine="GOWS",
            session="shop",
            me=SHOP,
            message=Message(f"3EB0{n}", "120363999999999999@g.us", at, text="x", author=ROSA),
        )
        for n in range(2)
    ]
    await gateway.post(channel, bodies[0])
    await gateway.ask(channel.tenant, "PATCH", f"/crm/channels/{channel.id}", json={"allow_groups": True})
    await gateway.post(channel, bodies[1])
    assert await gateway.states(channel) == ["ignored", "applied"]


async def test_a_large_body_within_the_limit_is_taken_in_chunks(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    body = text_of("x" * 60_000)
    body["payload"]["_data"]["padding"] = "y" * 5_000_000
    raw = json.dumps(body).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(raw), 70_001):
            yield raw[start : start + 70_001]

    answer = await gateway.http.post(
        f"/api/v1/webhooks/{channel.webhook_id}",
        content=chunks(),
        headers={"x-webhook-hmac": sign(raw, channel.secret)},
    )
    assert answer.status_code == 200, answer.text
    (kept,) = await gateway.rows("select octet_length(raw) as size from channel_gateway.inbound_deliveries")
    assert kept["size"] == len(raw)


async def test_text_with_emoji_and_half_a_surrogate_pair_comes_through(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    whole = await gateway.post(channel, text_of("olá 🙂 شكرا", bare_id="WHOLE"))
    raw = json.dumps(text_of("broken HALF \\u0000", bare_id="HALF")).replace("HALF ", "\\ud83d ").encode()
    broken = await gateway.post(channel, raw)
    assert (whole.status_code, broken.status_code) == (200, 200)
    texts = [event["data"]["content"]["text"] for event in await gateway.said()]
    assert texts[0] == "olá 🙂 شكرا"
    assert texts[1].startswith("broken \ufffd")


async def test_two_tenants_with_equal_sessions_and_ids_do_not_mix(gateway: Any, text_of: Any) -> None:
    first, second = await gateway.connect(), await gateway.connect()
    body = text_of()
    answers = await asyncio.gather(*(gateway.post(channel, body) for channel in (first, second, first, second)))
    assert sorted(answer.json()["status"] for answer in answers) == ["duplicate", "duplicate", "queued", "queued"]
    for channel in (first, second):
        assert sorted(await gateway.states(channel)) == ["applied", "duplicate"]
    said = {event["tenantid"]: event for event in await gateway.said()}
    assert said.keys() == {first.tenant.tenant_id, second.tenant.tenant_id}
    for channel in (first, second):
        assert said[channel.tenant.tenant_id]["subject"] == channel.id
    for table in ("inbound_deliveries", "delivery_keys", "channel_activity"):
        rows = await gateway.rows(f"select tenant_id::text, channel_id::text from channel_gateway.{table}")
        pairs = {(first.tenant.tenant_id, first.id), (second.tenant.tenant_id, second.id)}
        assert {(row["tenant_id"], row["channel_id"]) for row in rows} == pairs


async def test_the_shared_address_finds_the_channel_by_session_and_key(gateway: Any, text_of: Any) -> None:
    first, second = await gateway.connect(session="shop"), await gateway.connect(session="shop")
    by_path = await gateway.post(first, text_of(bare_id="ONE"), place="waha/shop")
    by_body = await gateway.post(second, text_of(bare_id="TWO"), place="waha")
    assert (by_path.json()["channel_id"], by_body.json()["channel_id"]) == (first.id, second.id)
    stranger = await gateway.post(first, text_of(bare_id="THREE"), place="waha/shop", key="f" * 64)
    other_session = await gateway.post(first, text_of(bare_id="THREE"), place="waha/elsewhere")
    unsigned = await gateway.post(first, text_of(bare_id="THREE"), place="waha", headers={})
    assert [each.status_code for each in (stranger, other_session, unsigned)] == [404, 404, 404]
    assert (await gateway.post(first, b"nonsense", place="waha")).status_code == 400


async def test_the_door_says_what_it_expects_and_names_nobody(gateway: Any) -> None:
    channel = await gateway.connect()
    answer = await gateway.http.get("/api/v1/webhooks/info")
    assert answer.status_code == 200
    assert answer.json()["waha"]["signature"]["algorithm"] == "sha512"
    assert channel.webhook_id not in answer.text
    assert channel.id not in answer.text


async def test_a_read_at_the_door_is_the_applications_business(gateway: Any) -> None:
    channel = await gateway.connect()
    assert (await gateway.http.get(f"/api/v1/webhooks/{channel.webhook_id}")).status_code in (404, 405)


async def test_with_tracing_each_event_carries_on_the_trace_of_its_own_webhook(gateway: Any, text_of: Any) -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from telemetry.tracing import configure_tracing

    channel = await gateway.connect()
    configure_tracing("channel-gateway", "test", None, 1.0, exporter=InMemorySpanExporter())
    try:
        await asyncio.gather(*(gateway.post(channel, text_of(bare_id=f"ID{n}")) for n in range(3)))
    finally:
        configure_tracing("channel-gateway", "test", None)
    traces = {event["traceparent"].split("-")[1] for event in await gateway.said()}
    assert len(traces) == 3
