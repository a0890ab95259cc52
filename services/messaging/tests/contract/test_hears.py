"""Every committed example of what we hear goes through its handler, and what is said can be read by its readers."""

from pathlib import Path
from typing import Any

import messaging_events as heard
import msgspec
import pytest
from contracts.envelope import encode
from contracts.reading import Reader, Unreadable
from contracts.registry import payloads
from messaging.bootstrap import HEARD
from messaging.entrypoints.events import (
    on_channel_message_acked,
    on_channel_message_failed,
    on_channel_message_sent,
    on_channel_message_unresolved,
    on_message_compose_requested,
    on_session_message_recorded,
)

FOLDER = Path(__file__).parents[4] / "contracts" / "examples"
RECORDED, ACKED = on_session_message_recorded.HEARS, on_channel_message_acked.HEARS
COMPOSED = on_message_compose_requested.HEARS
OUTCOMES = [on_channel_message_sent.HEARS, on_channel_message_failed.HEARS, on_channel_message_unresolved.HEARS]
FOLLOWED = [module.HEARS for module in HEARD if module.HEARS not in (RECORDED, ACKED, COMPOSED, *OUTCOMES)]


def examples(*kinds: Any) -> list[Any]:
    found = []
    for kind in kinds:
        paths = sorted((FOLDER / kind.TYPE).glob("*.json"))
        assert paths, f"there are no examples of {kind.TYPE}"
        found += [pytest.param(kind, path.read_bytes(), id=f"{kind.TYPE} {path.stem}") for path in paths]
    return found


def read(kind: Any, example: bytes) -> Any:
    event = Reader(kind).read(example)
    assert not isinstance(event, Unreadable), event
    return event


def check_readable(said: list[Any], event: Any) -> None:
    for each in said:
        assert each.causationid == event.id
        assert not isinstance(Reader(payloads()[each.type]).read(encode(each)), Unreadable)


@pytest.mark.parametrize(("kind", "example"), examples(RECORDED))
async def test_an_example_of_a_message_is_stored_and_announced(line: Any, kind: Any, example: bytes) -> None:
    event = read(kind, example)

    said = await line.hears(event)

    (message,) = await line.messages()
    assert said[-1].type == ("message.sent.v1" if event.data.from_me else "message.received.v1")
    assert said[-1].data.message_id == message["message_id"]
    check_readable(said, event)


@pytest.mark.parametrize(("kind", "example"), examples(ACKED))
async def test_an_example_of_a_receipt_finds_its_message(line: Any, kind: Any, example: bytes) -> None:
    event = read(kind, example)
    message = line.message(event.tenantid, event.data.provider_message_id, from_me=True, channel=event.data.channel_id)

    await line.hears(message)
    said = await line.hears(event)

    assert [each.causationid for each in said] == [event.id]
    check_readable(said, event)


@pytest.mark.parametrize(("kind", "example"), examples(COMPOSED))
async def test_an_example_of_a_wish_is_queued_or_failed(line: Any, kind: Any, example: bytes) -> None:
    event = read(kind, example)
    project = event.projectid
    await line.hears(heard.channel(event.tenantid, event.data.channel_id, project=project))
    await line.hears(heard.contact(event.tenantid, event.data.contact_id, phone="+12025550143", project=project))

    *_, said = await line.hears(event)

    is_text = msgspec.json.decode(event.data.content)["type"] == "text"
    assert said.type == ("message.send_requested.v1" if is_text else "message.failed.v1")
    assert (said.actor, said.hop, said.data.message_id) == (event.actor, event.hop, event.data.message_id)
    check_readable([said], event)


@pytest.mark.parametrize(("kind", "example"), examples(*OUTCOMES))
async def test_an_example_of_an_outcome_finds_its_message(line: Any, kind: Any, example: bytes) -> None:
    event = read(kind, example)
    await line.hears(heard.channel(event.tenantid, event.data.channel_id, project=event.projectid))
    await line.hears(heard.contact(event.tenantid, phone="+12025550143", project=event.projectid))
    await line.hears(
        heard.compose(event.tenantid, event.data.message_id, channel=event.data.channel_id, project=event.projectid)
    )

    said = await line.hears(event)

    assert [each.type for each in said] == [
        {"sent": "message.sent.v1", "failed": "message.failed.v1", "unresolved": "message.unresolved.v1"}[
            kind.TYPE.removeprefix("channel.message_").removesuffix(".v1")
        ]
    ]
    check_readable(said, event)


async def test_every_example_of_what_is_followed_is_taken_in_silently(line: Any) -> None:
    for each in examples(*FOLLOWED):
        kind, example = each.values
        assert await line.hears(read(kind, example)) == [], each.id

    kept = await line.administrator.fetchrow(
        "select (select count(*) from messaging.channels) as channels, (select count(*) from messaging.contacts) as contacts,"
        " (select count(*) from messaging.contact_handles) as handles"
    )
    assert min(kept) > 0
