"""Every committed example of what we hear goes through the handler, and what is said can be read by its readers."""

from pathlib import Path
from typing import Any

import pytest
from contracts.envelope import encode
from contracts.reading import Reader, Unreadable
from contracts.registry import payloads
from messaging.entrypoints.events import on_channel_message_acked, on_session_message_recorded

FOLDER = Path(__file__).parents[4] / "contracts" / "examples"
RECORDED, ACKED = on_session_message_recorded.HEARS, on_channel_message_acked.HEARS


def examples(event_type: str) -> list[Any]:
    found = [pytest.param(path.read_bytes(), id=path.stem) for path in sorted((FOLDER / event_type).glob("*.json"))]
    assert found, f"there are no examples of {event_type}"
    return found


@pytest.mark.parametrize("example", examples(RECORDED.TYPE))
async def test_an_example_of_a_message_is_stored_and_announced(line: Any, example: bytes) -> None:
    event = Reader(RECORDED).read(example)
    assert not isinstance(event, Unreadable), event

    said = await line.hears(event)

    (message,) = await line.messages()
    assert said[-1].type == ("message.sent.v1" if event.data.from_me else "message.received.v1")
    assert said[-1].data.message_id == message["message_id"]
    for each in said:
        assert each.causationid == event.id
        assert not isinstance(Reader(payloads()[each.type]).read(encode(each)), Unreadable)


@pytest.mark.parametrize("example", examples(ACKED.TYPE))
async def test_an_example_of_a_receipt_finds_its_message(line: Any, example: bytes) -> None:
    event = Reader(ACKED).read(example)
    assert not isinstance(event, Unreadable), event
    message = line.message(event.tenantid, event.data.provider_message_id, from_me=True, channel=event.data.channel_id)

    await line.hears(message)
    said = await line.hears(event)

    assert [each.causationid for each in said] == [event.id]
    for each in said:
        assert not isinstance(Reader(payloads()[each.type]).read(encode(each)), Unreadable)
