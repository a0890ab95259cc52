"""What we say about inbound messages: the contents as they travel, and the keys that make a redelivery recognisable."""

from datetime import UTC, datetime
from typing import Any

import pytest
from channel_gateway.domain.content import (
    Attribution,
    Audio,
    Buttons,
    ContactCard,
    Contacts,
    Content,
    Document,
    Image,
    InteractiveReply,
    ListMenu,
    Location,
    Media,
    Poll,
    Sticker,
    System,
    Template,
    Text,
    Unsupported,
    Video,
    Voice,
)
from channel_gateway.domain.inbound import Acknowledgement, Identity, Ignored, InboundMessage, Kept, Untranslatable

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
FILE = Media("image/png", size_bytes=3, url="http://somewhere/short-lived")
WIRE_FILE = {"media_id": "m1", "mime_type": "image/png", "size_bytes": 3, "state": "pending"}
UNKNOWN_FILE = {"media_id": "m1", "state": "pending"}

WIRES: list[tuple[Content, dict[str, Any]]] = [
    (Text("a"), {"type": "text", "text": "a"}),
    (
        Text("a", InteractiveReply("list", "b")),
        {"type": "text", "text": "a", "interactive_reply": {"kind": "list", "selected_id": "b"}},
    ),
    (Image(FILE, "a"), {"type": "image", "media": WIRE_FILE, "text": "a"}),
    (Video(Media()), {"type": "video", "media": UNKNOWN_FILE}),
    (
        Document(Media(file_name="a.pdf")),
        {
            "type": "document",
            "media": {"media_id": "m1", "file_name": "a.pdf", "state": "pending"},
            "file_name": "a.pdf",
        },
    ),
    (Audio(Media()), {"type": "audio", "media": UNKNOWN_FILE}),
    (Voice(Media(duration_seconds=4)), {"type": "voice", "media": UNKNOWN_FILE, "duration_seconds": 4}),
    (Sticker(FILE), {"type": "sticker", "media": WIRE_FILE, "animated": False}),
    (Location(1.0, 2.0, "a"), {"type": "location", "latitude": 1.0, "longitude": 2.0, "title": "a", "live": False}),
    (Contacts((ContactCard("a", "+1", "1"),)), {"type": "contact", "contacts": [{"full_name": "a", "phone": "+1"}]}),
    (
        Poll("a", ("b", "c"), multiple_answers=True),
        {"type": "poll", "name": "a", "options": ["b", "c"], "multiple_answers": True},
    ),
    (ListMenu("a"), {"type": "list", "title": "a"}),
    (Buttons("a"), {"type": "buttons", "text": "a"}),
    (Template("a"), {"type": "template", "text": "a"}),
    (System("gp2", "a"), {"type": "system", "kind": "gp2", "text": "a"}),
    (Unsupported("eventMessage"), {"type": "unsupported", "kind": "eventMessage"}),
]


@pytest.mark.parametrize(("content", "wire"), WIRES, ids=lambda value: value.type if isinstance(value, Content) else "")
def test_a_content_travels_with_its_type_first_and_without_what_is_unknown(
    content: Content, wire: dict[str, Any]
) -> None:
    travelling = content.to_wire("m1")
    assert travelling == wire
    assert next(iter(travelling)) == "type"


def test_the_providers_address_of_a_file_never_travels() -> None:
    assert FILE.available
    assert "http" not in str(Image(FILE).to_wire("m1"))


def test_every_content_says_whether_it_has_a_file_and_words() -> None:
    for content, wire in WIRES:
        assert (content.media is not None) is ("media" in wire)
        assert content.text == wire.get("text")


def test_an_attribution_travels_without_what_is_unknown() -> None:
    assert Attribution(from_ad=True, ctwa_clid="c").to_wire() == {"from_ad": True, "ctwa_clid": "c"}


def test_a_message_is_known_by_its_bare_id_alone() -> None:
    def message(reference: str, chat: str) -> InboundMessage:
        identity = Identity("wa_lid" if chat.endswith("@lid") else "wa_pn", chat)
        return InboundMessage("AB", reference, chat, "individual", False, (identity,), Text("a"), NOW)

    assert message("false_1@c.us_AB", "1@c.us").dedupe_key == message("false_2@lid_AB", "2@lid").dedupe_key


def test_an_acknowledgement_is_known_by_message_level_and_reader() -> None:
    def ack(level: int, participant: str | None) -> str:
        return Acknowledgement(
            "AB", "true_1@c.us_AB", "1@c.us", "individual", True, level, "", participant, NOW
        ).dedupe_key

    keys = {ack(2, None), ack(3, None), ack(3, "1@lid"), ack(3, "2@lid")}
    assert len(keys) == 4
    assert ack(3, "1@lid") in keys


@pytest.mark.parametrize("inbound", [Kept("call.received"), Ignored("story"), Untranslatable("event_missing")])
def test_what_changes_nothing_needs_no_key(inbound: Kept | Ignored | Untranslatable) -> None:
    assert inbound.dedupe_key is None
