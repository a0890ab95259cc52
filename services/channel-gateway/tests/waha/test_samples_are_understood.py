"""Of the reference samples: what no event shows, and the reasons. The rest is in `tests/api/test_samples_at_the_door.py`.

The samples are no part of the project.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from channel_gateway.adapters.waha.translate_inbound import translate
from channel_gateway.domain.content import Contacts, Unsupported
from channel_gateway.domain.inbound import (
    Acknowledgement,
    Ignored,
    Inbound,
    InboundMessage,
    Kept,
    SessionReport,
    Untranslatable,
)

SAMPLES = Path(__file__).parents[4].parent / "shared" / "waha" / "samples"
RECEIVED_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
EXPECTED: dict[str, Any] = (
    json.loads((SAMPLES / "expected.json").read_text())["samples"] if (SAMPLES / "expected.json").exists() else {}
)
pytestmark = pytest.mark.skipif(not EXPECTED, reason="the reference samples are not on this machine (../shared/waha)")


def translated(name: str, *, allow_groups: bool = True) -> Inbound:
    body = (SAMPLES / name).read_bytes()
    return translate(body, channel_engine=None, received_at=RECEIVED_AT, allow_groups=allow_groups)


@pytest.mark.parametrize("name", EXPECTED or ["none"])
def test_a_sample_becomes_what_is_expected(name: str) -> None:
    expected, inbound = EXPECTED[name], translated(name)
    match inbound:
        case InboundMessage():
            check_message(inbound, expected)
        case Acknowledgement():
            assert inbound.provider_message_ref == expected["serialized_id"]
            assert inbound.chat_type == expected["chat_type"]
        case SessionReport():
            assert int(inbound.at.timestamp()) == (expected["timestamp"] or int(RECEIVED_AT.timestamp()))
        case Kept():
            assert inbound.event_name == expected["event"]
        case _:
            assert inbound.reason == expected["reason"]


def check_message(message: InboundMessage, expected: dict[str, Any]) -> None:
    extra, content = expected["extra"], message.content
    assert message.ack_level == expected["ack"]
    if content.media is not None:
        assert content.media.available is extra.get("media_available", True)
        assert content.media.view_once is extra.get("view_once", False)
        assert content.media.duration_seconds == extra.get("seconds", content.media.duration_seconds)
    if isinstance(content, Contacts):
        assert [card.printed_phone for card in content.contacts] == [card["tel"] for card in extra["contacts"]]
    if isinstance(content, Unsupported):
        assert content.text is not None
        for said in (extra["amount"], extra["currency"], extra["reference_id"], extra["items"][0]["name"]):
            assert said in content.text


@pytest.mark.parametrize("name", EXPECTED or ["none"])
def test_groups_that_are_not_allowed_are_ignored(name: str) -> None:
    expected, inbound = EXPECTED[name], translated(name, allow_groups=False)
    if expected["chat_type"] == "group" and (expected["stored"] or expected["kind"] == "ack"):
        assert inbound in (Ignored("groups_not_allowed"), Untranslatable("event_missing"))
    else:
        assert not isinstance(inbound, InboundMessage) or inbound.chat_type == "individual"
