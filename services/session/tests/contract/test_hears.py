"""Every committed example of what we hear goes through its handler, and what is said can be read by its readers."""

from pathlib import Path
from typing import Any

import pytest
from contracts.envelope import encode
from contracts.reading import Reader, Unreadable
from contracts.registry import payloads
from session.bootstrap import HEARD
from session.entrypoints.events import on_contact_sender_identified, on_message_sent

EXAMPLES = Path(__file__).parents[4] / "contracts" / "examples"


def examples_of(heard: Any) -> list[Any]:
    """Return the committed examples of an event."""
    paths = sorted((EXAMPLES / heard.TYPE).glob("*.json"))
    return [pytest.param(heard, path.read_bytes(), id=f"{heard.TYPE} {path.stem}") for path in paths]


def read(heard: Any, example: bytes) -> Any:
    """Return the example as the bus would hand it over."""
    event = Reader(heard).read(example)
    assert not isinstance(event, Unreadable), event
    return event


@pytest.mark.parametrize("heard", [payload for payload, _ in HEARD.values()], ids=lambda heard: heard.TYPE)
def test_there_are_examples(heard: Any) -> None:
    assert examples_of(heard)


@pytest.mark.parametrize(("heard", "example"), examples_of(on_contact_sender_identified.HEARS))
async def test_a_message_is_placed_and_passed_on(line: Any, heard: Any, example: bytes) -> None:
    event = read(heard, example)

    said = await line.hears(event)

    recorded = said[-1]
    assert recorded.type == "session.message_recorded.v1"
    assert recorded.causationid == event.id
    assert (recorded.data.session_id is None) == (event.data.contact_id is None)
    for each in said:
        assert not isinstance(Reader(payloads()[each.type]).read(encode(each)), Unreadable)


@pytest.mark.parametrize(("heard", "example"), examples_of(on_message_sent.HEARS))
async def test_a_send_is_counted_unless_the_line_brought_it(line: Any, heard: Any, example: bytes) -> None:
    sent = read(heard, example)
    minutes = (sent.data.sent_at - line.noon).total_seconds() / 60
    await line.hears(line.message(sent.tenantid, sent.data.chat_key, at=minutes))

    await line.hears(sent)

    (session,) = await line.sessions()
    assert session["messages_from_agent"] == (sent.data.source != "phone")


OTHERS = [
    example
    for payload, _ in HEARD.values()
    if payload not in (on_contact_sender_identified.HEARS, on_message_sent.HEARS)
    for example in examples_of(payload)
]


@pytest.mark.parametrize(("heard", "example"), OTHERS)
async def test_what_is_only_remembered_is_taken_and_nothing_is_said(line: Any, heard: Any, example: bytes) -> None:
    assert await line.hears(read(heard, example)) == []


async def test_an_end_at_the_deadline_can_be_read(line: Any) -> None:
    await line.hears(line.message("00000000-0000-7000-8000-00000000000a"))

    _, (ended,) = await line.at(31).turn()

    assert not isinstance(Reader(payloads()[ended.type]).read(encode(ended)), Unreadable)
