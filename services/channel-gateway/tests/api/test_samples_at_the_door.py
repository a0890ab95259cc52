"""Every body among the reference samples, posted to a door of its own, becomes what the reference says, field by field.

The samples are no part of the project; `test_cases_at_the_door.py` proves the same with bodies of our own.
"""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[4].parent / "shared" / "waha" / "samples"
EXPECTED: dict[str, Any] = (
    json.loads((SAMPLES / "expected.json").read_text())["samples"] if (SAMPLES / "expected.json").exists() else {}
)
PAIRS = [name for name, expected in EXPECTED.items() if "after" in expected]
SEEN_LATER = {"status", "text", "contacts", "calls", "identities", "later"}
"""What another room of the line shows, or a later release."""

pytestmark = pytest.mark.skipif(not EXPECTED, reason="the reference samples are not on this machine (../shared/waha)")


async def posted(gateway: Any, doors: list[tuple[str, Any]]) -> dict[str, list[str]]:
    """Post samples, many at a time; return what became of all deliveries, by channel."""
    for start in range(0, len(doors), 40):
        some = doors[start : start + 40]
        answers = await asyncio.gather(*(gateway.post(at, (SAMPLES / name).read_bytes()) for name, at in some))
        assert [answer.status_code for answer in answers] == [200] * len(some)
    found: dict[str, list[str]] = {}
    for row in await gateway.rows(
        "select channel_id::text, state, reason from channel_gateway.inbound_deliveries order by id"
    ):
        assert (row["reason"] is not None) is (row["state"] in ("ignored", "parked"))
        found.setdefault(row["channel_id"], []).append(row["state"])
    return found


async def said(gateway: Any, event_type: str) -> dict[str, list[dict[str, Any]]]:
    """Return what events of a type hold, by channel."""
    found: dict[str, list[dict[str, Any]]] = {}
    for event in await gateway.said(event_type):
        found.setdefault(event["data"]["channel_id"], []).append(event["data"])
    return found


async def left_behind(gateway: Any) -> Any:
    return await gateway.rows(
        "select c.status, c.version, a.messages_received, a.messages_sent, s.status as word, s.limits::text,"
        " (select sum(events) from channel_gateway.outbox_bundles) as events,"
        " (select count(*) from channel_gateway.delivery_keys) as keys"
        " from channel_gateway.channels c"
        " join channel_gateway.channel_activity a on a.tenant_id = c.tenant_id and a.channel_id = c.id"
        " left join channel_gateway.provider_sessions s on s.tenant_id = c.tenant_id and s.channel_id = c.id"
        " order by c.id"
    )


async def test_every_sample_comes_to_what_is_expected_and_all_again_shuffled_change_nothing(gateway: Any) -> None:
    doors = list(zip(EXPECTED, await gateway.activated(len(EXPECTED)), strict=True))
    states = await posted(gateway, doors)
    messages, acks = await said(gateway, "channel.message_received.v1"), await said(gateway, "channel.message_acked.v1")
    for name, door in doors:
        expected = EXPECTED[name]
        (state,) = states[door.id]
        assert state in {expected["outcome"], *expected.get("also_fine", ())}, name
        applied = state == "applied"
        assert len(messages.get(door.id, ())) == expected["stored"], name
        assert len(acks.get(door.id, ())) == (applied and expected["kind"] == "ack"), name
        for message in messages.get(door.id, ()):
            assert shown(message) == wanted(expected), name
        for ack in acks.get(door.id, ()):
            assert receipt(ack) == wanted_receipt(expected | expected.get("if_applied", {})), name
        if expected["kind"] == "session_status":
            await check_status(gateway, door, expected)

    before = await left_behind(gateway)
    again = random.Random(20261121).sample(doors, len(doors))
    for first, second in (await posted(gateway, again)).values():
        assert second == ("duplicate" if first == "applied" else first)
    assert await left_behind(gateway) == before


async def test_all_samples_of_one_message_come_to_one_message_at_one_door(gateway: Any) -> None:
    (door,) = await gateway.activated(1)
    stored = [name for name, expected in EXPECTED.items() if expected["stored"]]
    await posted(gateway, [(name, door) for name in stored])
    heard = [
        message["provider_message_id"] for message in (await said(gateway, "channel.message_received.v1"))[door.id]
    ]
    assert len(heard) == len(set(heard))
    assert set(heard) == {EXPECTED[name]["message_id"] for name in stored}


async def test_one_sample_after_another_comes_to_what_is_expected_of_both(gateway: Any) -> None:
    doors = list(zip(PAIRS, await gateway.activated(len(PAIRS)), strict=True))
    await posted(gateway, [(EXPECTED[name]["after"], door) for name, door in doors])
    states = await posted(gateway, doors)
    messages = await said(gateway, "channel.message_received.v1")
    for name, door in doors:
        expected = EXPECTED[name]["expect_second"]
        assert set(expected) <= {"outcome", "messages", "channel_status", "restriction", *SEEN_LATER}
        assert states[door.id][1] in {expected["outcome"], *EXPECTED[name].get("also_fine", ())}, name
        assert len(messages.get(door.id, ())) == expected.get("messages", len(messages.get(door.id, ()))), name
        if "channel_status" in expected:
            status = await status_of(gateway, door)
            assert (status["status"], status["restriction"]) == (expected["channel_status"], expected["restriction"])


async def status_of(gateway: Any, door: Any) -> dict[str, Any]:
    answer = await gateway.ask(door.tenant, "GET", f"/crm/channels/{door.id}/status")
    found: dict[str, Any] = answer.json()
    return found


async def check_status(gateway: Any, door: Any, expected: dict[str, Any]) -> None:
    status, extra = await status_of(gateway, door), expected["extra"]
    assert status["status"] == extra["channel_status"]
    assert status["provider_status"] == expected["session_status"]
    assert status["engine"] == expected["engine"]
    limit = extra.get("restriction", {"active": False})
    if limit["active"]:
        assert (status["restriction"]["kind"], second(status["restriction"]["until"])) == (
            limit["kind"],
            limit["until"],
        )
    else:
        assert status["restriction"] is None
    if "level" in limit:
        told = status["quota"] | {"until": second(status["quota"]["until"])}
        assert told == {name: limit[name] for name in ("level", "total", "used", "until")}
    changes = await said(gateway, "channel.status_changed.v1")
    assert [change["new"] for change in changes.get(door.id, ())] == (
        [] if status["status"] == "active" else [status["status"]]
    )


def second(written: str | None) -> int | None:
    return None if written is None else int(datetime.fromisoformat(written).timestamp())


def shown(message: dict[str, Any]) -> dict[str, Any]:
    """Return what an event shows, in the reference's words."""
    content, ad = message["content"], message.get("attribution") or {}
    media, reply = content.get("media") or {}, content.get("interactive_reply")
    kind = (
        f"{reply['kind']}_reply" if reply else content["kind"] if content["type"] == "unsupported" else content["type"]
    )
    extra = {
        "selected_id": reply and reply.get("selected_id"),
        "latitude": content.get("latitude"),
        "longitude": content.get("longitude"),
        "live": content.get("live"),
        "name": content.get("title"),
        "address": content.get("address"),
        "url": content.get("url"),
        "question": content.get("name"),
        "options": content.get("options"),
        "multiple": content.get("multiple_answers"),
        "seconds": content.get("duration_seconds"),
        "contacts": [(card["full_name"], card.get("phone")) for card in content.get("contacts", ())] or None,
        "mentions": message.get("mentions") or None,
        "forwarded": message.get("forwarded") or None,
        "conversion_source": ad.get("conversion_source"),
        "conversion_app": ad.get("conversion_app"),
        "ad_title": ad.get("title"),
        "ad_source_app": ad.get("source_app"),
        "ad_source_url": ad.get("source_url"),
    }
    return {
        "engine": message["engine"],
        "kind": kind,
        "direction": message["direction"],
        "source": message.get("source"),
        "chat_id": message["external_chat_id"],
        "chat_type": message["chat_type"],
        "message_id": message["provider_message_id"],
        "serialized_id": message["provider_message_ref"],
        "person": {(each["kind"], each["value"]) for each in message["contact_identities"]},
        "display_name": message.get("push_name"),
        "text": None if content["type"] == "unsupported" else content.get("text"),
        "has_media": "media" in content,
        "mime_type": media.get("mime_type"),
        "filename": media.get("file_name"),
        "file_size": media.get("size_bytes"),
        "quoted_id": message.get("reply_to_provider_id"),
        "timestamp": second(message["occurred_at"]),
        "is_ad": ad.get("from_ad", False),
        "ad_source_id": ad.get("source_id"),
        "ad_click_id": ad.get("ctwa_clid"),
        "extra": {name: value for name, value in extra.items() if value is not None},
    }


NOT_SHOWN = ("media_available", "view_once", "album_id", "reported_filename")
OF_AN_ORDER = ("button", "currency", "amount", "reference_id", "order_status", "items")


def wanted(expected: dict[str, Any]) -> dict[str, Any]:
    """Return what the reference says of a message, as far as an event shows it."""
    role = "sender" if expected["direction"] == "inbound" else "peer"
    phone, lid = expected[f"{role}_phone"], expected[f"{role}_lid"]
    extra = {name: value for name, value in expected["extra"].items() if name not in (*NOT_SHOWN, *OF_AN_ORDER)}
    if expected["kind"] == "video":
        extra.pop("seconds", None)  # of films the event tells no length
    if "contacts" in extra:
        extra["contacts"] = [(card["name"], card["phone"]) for card in extra["contacts"]]
    person = {("wa_pn", f"{phone[1:]}@c.us")} if phone else set()
    told = shown_fields(expected)
    return told | {"person": person | ({("wa_lid", lid)} if lid else set()), "extra": extra}


def shown_fields(expected: dict[str, Any]) -> dict[str, Any]:
    names = "engine kind direction source chat_id chat_type message_id serialized_id display_name text has_media"
    more = "mime_type filename file_size quoted_id timestamp is_ad ad_source_id ad_click_id"
    return {name: expected[name] for name in f"{names} {more}".split()}


def receipt(ack: dict[str, Any]) -> tuple[Any, ...]:
    at = datetime.fromisoformat(ack["acked_at"])
    stated = None if datetime.now(UTC) - at < timedelta(minutes=5) else int(at.timestamp())
    who = ack.get("participant")
    return ack["provider_message_id"], ack["external_chat_id"], ack["from_me"], ack["level"], who, stated


def wanted_receipt(expected: dict[str, Any]) -> tuple[Any, ...]:
    """Without a time of its own a receipt has that of its delivery."""
    names = ("target_id", "chat_id", "moves_status", "ack", "sender_lid", "timestamp")
    return tuple(expected[name] for name in names)
