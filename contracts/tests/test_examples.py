"""The committed examples: each is what its producer writes, and what every reader can read."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from contracts.content import KNOWN_KINDS, read_content
from contracts.envelope import Event, encode
from contracts.partition import partition_of
from contracts.registry import payloads

from contracts.schemas import envelope_schemas, schemas_of

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*/*.json"))
each_example = pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: f"{file.parent.name}/{file.stem}")
ValidatorOf = Callable[[dict[str, Any]], Any]


def event_in(file: Path) -> Any:
    return msgspec.json.decode(file.read_bytes(), type=Event[payloads()[file.parent.name]])  # type: ignore[misc]


@each_example
def test_an_example_is_exactly_what_its_producer_would_write(file: Path) -> None:
    event = event_in(file)
    assert event.type == file.parent.name
    assert json.loads(encode(event)) == json.loads(file.read_bytes())


@each_example
def test_an_example_keeps_the_schemas_of_both_sides(file: Path, validator_of: ValidatorOf) -> None:
    event = json.loads(file.read_bytes())
    for schemas, value in ((envelope_schemas(), event), (schemas_of(payloads()[event["type"]]), event["data"])):
        for schema in schemas:
            assert [error.message for error in validator_of(schema).iter_errors(value)] == []


def test_the_schemas_refuse_what_is_wrong(validator_of: ValidatorOf) -> None:
    schema = schemas_of(payloads()["channel.message_received.v1"]).read
    good = json.loads((EXAMPLES[0].parents[1] / "channel.message_received.v1" / "image.json").read_bytes())["data"]
    for spoilt in (
        {**good, "content": {"type": "image", "media": "a link"}},
        {**good, "content": {"kind": "image"}},
        {**good, "late": "no"},
        {key: value for key, value in good.items() if key != "channel_id"},
    ):
        assert not validator_of(schema).is_valid(spoilt)
    assert validator_of(schema).is_valid({**good, "a_later_field": 1})


@each_example
def test_an_event_about_a_chat_travels_with_its_chat(file: Path) -> None:
    event = event_in(file)
    if chat_key := getattr(event.data, "chat_key", None):
        assert event.partitionkey == chat_key
    elif external_chat_id := getattr(event.data, "external_chat_id", None):
        assert event.partitionkey == f"{event.data.channel_id}:{external_chat_id}"
    else:
        assert event.partitionkey == event.subject
    assert partition_of(event.partitionkey, 4) in range(4)


@each_example
def test_an_example_speaks_of_nobody_real(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert all(address.endswith("@example.com") for address in re.findall(r"[\w.]+@[\w.]+\.com", text))
    numbers = [*re.findall(r"\+(\d{8,})", text), *re.findall(r"(\d{8,})@c\.us", text)]
    assert all(number.startswith("120255501") for number in numbers)
    assert all(host.startswith("example.com") for host in re.findall(r"https?://([^\s\"]+)", text))


def test_every_kind_of_content_has_an_example() -> None:
    received = [event_in(file).data.content for file in EXAMPLES if file.parent.name == "channel.message_received.v1"]
    assert {json.loads(bytes(content))["type"] for content in received} >= {*KNOWN_KINDS, "hologram"}


@each_example
def test_content_is_read_and_written_back_unchanged(file: Path) -> None:
    content = getattr(event_in(file).data, "content", None)
    if content is not None:
        known = read_content(content)
        if json.loads(bytes(content))["type"] in KNOWN_KINDS:
            assert json.loads(msgspec.json.encode(known)) == json.loads(bytes(content))
