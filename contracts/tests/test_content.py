"""An open union: what is unknown is kept, what is known must be right."""

import json
from pathlib import Path

import msgspec
import pytest
from contracts.content import KNOWN_KINDS, KnownContent, Media, Text, Unsupported, Voice, read_content
from contracts.envelope import Event
from contracts.message.received_v1 import MessageReceivedV1
from msgspec import Raw


def test_a_kind_that_nobody_knows_becomes_unsupported_and_its_raw_value_is_kept(folder: Path) -> None:
    body = (folder / "examples" / "message.received.v1" / "unknown_kind.json").read_bytes()
    event = msgspec.json.decode(body, type=Event[MessageReceivedV1])
    assert read_content(event.data.content) == Unsupported(kind="hologram", text="Wave at me")
    assert json.loads(bytes(event.data.content))["frames"] == [{"depth_cm": 12}]
    assert json.loads(msgspec.json.encode(event)) == json.loads(body)


def test_an_unknown_kind_may_hold_anything_beside_its_type() -> None:
    assert read_content(Raw(b'{"type":"hologram","text":{"not":"a text"}}')) == Unsupported(kind="hologram")


@pytest.mark.parametrize(
    "content",
    [
        b'{"type":"text"}',
        b'{"type":"text","text":5}',
        b'{"type":"image","media":{"mime_type":"image/png"}}',
        b'{"type":"location","latitude":91,"longitude":0}',
        b'{"type":"location","latitude":null,"longitude":0}',
        b'{"text":"no type"}',
        b'"text"',
    ],
)
def test_a_known_kind_with_bad_content_is_an_error_and_no_novelty(content: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_content(Raw(content))


def test_known_content_is_read_by_its_kind() -> None:
    assert read_content(Raw(b'{"type":"text","text":"hi","later":1}')) == Text(text="hi")
    voice = Voice(media=Media(media_id="m"), duration_seconds=7)
    assert read_content(Raw(msgspec.json.encode(voice))) == voice


def test_the_list_of_kinds_is_the_union() -> None:
    assert tuple(kind.__struct_config__.tag for kind in KnownContent.__args__) == KNOWN_KINDS
