"""Every body among the reference samples becomes what the reference says. The samples are no part of the project."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from channel_gateway.adapters.waha.translate_inbound import translate
from channel_gateway.domain.content import Contacts, Content, Location, Poll, Text, Unsupported
from channel_gateway.domain.inbound import (
    Acknowledgement,
    Identity,
    Ignored,
    Inbound,
    InboundMessage,
    Kept,
    Untranslatable,
)

SAMPLES = Path(__file__).parents[4].parent / "shared" / "waha" / "samples"
RECEIVED_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER_EVENTS = {"session_status"}  # applied by a later release; until then the event is kept

EXPECTED: dict[str, Any] = (
    json.loads((SAMPLES / "expected.json").read_text())["samples"] if (SAMPLES / "expected.json").exists() else {}
)
pytestmark = pytest.mark.skipif(not EXPECTED, reason="the reference samples are not on this machine (../shared/waha)")


def translated(body: bytes) -> Inbound:
    return translate(body, channel_engine=None, received_at=RECEIVED_AT, allow_groups=True)


@pytest.mark.parametrize("name", EXPECTED or ["none"])
def test_a_sample_becomes_what_is_expected(name: str) -> None:
    expected = EXPECTED[name]
    inbound = translated((SAMPLES / name).read_bytes())
    outcomes = {expected["outcome"], *expected.get("also_fine", ())}
    if expected["kind"] in LATER_EVENTS:
        outcomes = {"kept"}
    assert outcome_of(inbound) in outcomes, inbound
    if isinstance(inbound, InboundMessage):
        check_message(inbound, expected)
    elif isinstance(inbound, Acknowledgement):
        check_acknowledgement(inbound, expected)
    elif isinstance(inbound, Kept):
        assert inbound.event_name == expected["event"]
    else:
        assert inbound.reason == expected["reason"] or expected["kind"] == "system"


@pytest.mark.parametrize("name", EXPECTED or ["none"])
def test_groups_that_are_not_allowed_are_ignored(name: str) -> None:
    expected = EXPECTED[name]
    body = (SAMPLES / name).read_bytes()
    inbound = translate(body, channel_engine=None, received_at=RECEIVED_AT, allow_groups=False)
    if expected["chat_type"] == "group" and expected["stored"]:
        assert inbound == Ignored("groups_not_allowed")
    else:
        assert not isinstance(inbound, InboundMessage) or inbound.chat_type == "individual"


def outcome_of(inbound: Inbound) -> str:
    if isinstance(inbound, InboundMessage | Acknowledgement):
        return "applied"
    return {Kept: "kept", Ignored: "ignored", Untranslatable: "parked"}[type(inbound)]


def check_message(message: InboundMessage, expected: dict[str, Any]) -> None:
    assert expected["stored"]
    assert message.provider_message_id == expected["message_id"]
    assert message.provider_message_ref == expected["serialized_id"]
    assert message.external_chat_id == expected["chat_id"]
    assert message.chat_type == expected["chat_type"]
    assert message.from_me is (expected["direction"] == "outbound")
    assert message.source == expected["source"]
    assert set(message.identities) == expected_identities(expected)
    assert message.push_name == expected["display_name"]
    assert message.reply_to_provider_id == expected["quoted_id"]
    assert int(message.occurred_at.timestamp()) == expected["timestamp"]
    assert message.ack_level == expected["ack"]
    assert message.forwarded is expected["extra"].get("forwarded", False)
    assert list(message.mentions) == expected["extra"].get("mentions", [])
    assert message.dedupe_key == f"message:{expected['message_id']}"
    check_attribution(message, expected)
    check_content(message.content, expected)


def expected_identities(expected: dict[str, Any]) -> set[Identity]:
    """The writer's, or the peer's of an own message in a direct chat."""
    role = "sender" if expected["direction"] == "inbound" else "peer"
    phone, lid = expected[f"{role}_phone"], expected[f"{role}_lid"]
    found = {Identity("wa_pn", f"{phone[1:]}@c.us")} if phone else set()
    return found | ({Identity("wa_lid", lid)} if lid else set())


def check_attribution(message: InboundMessage, expected: dict[str, Any]) -> None:
    attribution, extra = message.attribution, expected["extra"]
    assert (attribution is not None and attribution.from_ad) is expected["is_ad"]
    if attribution is None:
        assert "conversion_source" not in extra
        return
    assert attribution.source_id == expected["ad_source_id"]
    assert attribution.ctwa_clid == expected["ad_click_id"]
    assert attribution.conversion_source == extra["conversion_source"]
    assert attribution.conversion_app == extra.get("conversion_app")
    assert attribution.title == extra.get("ad_title")
    assert attribution.source_app == extra.get("ad_source_app")
    assert attribution.source_url == extra.get("ad_source_url")


def check_content(content: Content, expected: dict[str, Any]) -> None:
    extra = expected["extra"]
    kind = content.type
    if isinstance(content, Text) and content.interactive_reply is not None:
        kind = f"{content.interactive_reply.kind}_reply"
        assert content.interactive_reply.selected_id == extra["selected_id"]
    if isinstance(content, Unsupported):
        kind = content.kind
    assert kind == expected["kind"]
    assert content.to_wire()["type"] == content.type
    if not isinstance(content, Unsupported):
        assert content.text == expected["text"]
    assert (content.media is not None) is expected["has_media"]
    if content.media is not None:
        assert content.media.mime_type == expected["mime_type"]
        assert content.media.file_name == expected["filename"]
        assert content.media.size_bytes == expected["file_size"]
        assert content.media.available is extra.get("media_available", True)
        assert content.media.view_once is extra.get("view_once", False)
        assert content.media.duration_seconds == extra.get("seconds", content.media.duration_seconds)
    check_details(content, extra)


def check_details(content: Content, extra: dict[str, Any]) -> None:
    if isinstance(content, Location):
        place = {"latitude": content.latitude, "longitude": content.longitude, "live": content.live}
        named = {"name": content.title, "address": content.address, "url": content.url}
        assert extra == place | {name: value for name, value in named.items() if value is not None}
    if isinstance(content, Contacts):
        cards = [{"name": c.full_name, "phone": c.phone, "tel": c.printed_phone} for c in content.contacts]
        assert cards == extra["contacts"]
    if isinstance(content, Poll):
        assert content.name == extra["question"]
        assert list(content.options) == extra["options"]
        assert content.multiple_answers is extra["multiple"]
    if isinstance(content, Unsupported):
        assert content.text is not None
        for said in (extra["amount"], extra["currency"], extra["reference_id"], extra["items"][0]["name"]):
            assert said in content.text


def check_acknowledgement(ack: Acknowledgement, expected: dict[str, Any]) -> None:
    expected = expected | expected.get("if_applied", {})
    assert expected["kind"] == "ack"
    assert ack.provider_message_id == expected["target_id"]
    assert ack.provider_message_ref == expected["serialized_id"]
    assert ack.external_chat_id == expected["chat_id"]
    assert ack.chat_type == expected["chat_type"]
    assert ack.from_me is (expected["direction"] == "outbound")
    assert ack.from_me is expected["moves_status"]
    assert ack.level == expected["ack"]
    assert ack.participant == expected["sender_lid"]
    stated = expected["timestamp"]
    assert ack.at == RECEIVED_AT if stated is None else int(ack.at.timestamp()) == stated
    assert ack.dedupe_key == f"ack:{ack.provider_message_id}:{ack.level}:{ack.participant or ''}"
