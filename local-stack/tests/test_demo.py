import asyncio
import json
from typing import Any

import aio_pika
import pytest
from local_stack import demo_steps
from local_stack.demo import needing_the_stack
from local_stack.demo_crash import Crash
from local_stack.demo_hearing import Heard
from local_stack.demo_product import Product
from local_stack.demo_steps import ANSWERED, ENDED, READ, TAKEN_IN, Known, Timeline
from local_stack.demo_telling import curl_lines
from local_stack.progress import CannotContinue

AT = "2026-03-04T05:06:07.500Z"


async def _say(heard: Heard, *events: tuple[str, dict[str, Any]], again: bool = False) -> None:
    """Let events be heard in one message; `again` under ids that were heard already."""
    body = [
        {
            "id": f"{kind} {json.dumps(data)}{again}",
            "type": kind,
            "correlationid": "the chain",
            "time": AT,
            "data": data,
        }
        for kind, data in events
    ]
    await heard.take(aio_pika.Message(json.dumps(body).encode()))  # type: ignore[arg-type]


def _a_conversation() -> list[tuple[str, dict[str, Any]]]:
    ana, answer = {"contact_id": "ana"}, {"message_id": "answer"}
    stored = {**ana, "session_id": "s", "chat_id": "c", "provider_message_id": "M1", "content": {"text": "Hi"}}
    return [
        ("channel.message_received.v1", {"provider_message_id": "M1"}),
        ("contact.created.v1", ana),
        ("session.started.v1", {**ana, "session_id": "s"}),
        ("message.received.v1", stored),
        ("contact.entered_pipeline.v1", ana),
        ("automation_rule.executed.v1", {**ana, "rule_id": "r"}),
        ("contact.tag_added.v1", ana),
        ("message.send_requested.v1", {**ana, **answer}),
        ("message.sent.v1", answer),
        ("message.delivered.v1", answer),
        ("message.read.v1", answer),
        (
            "session.ended.v1",
            {"session_id": "s", "end_reason": "inactivity_timeout", "ended_at": "2026-03-04T05:07:06Z"},
        ),
    ]


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(Heard(), Known("M1", "r"), 1772600766.0)


async def test_every_step_of_a_message_is_found_by_what_the_ones_before_told(timeline: Timeline) -> None:
    others = [("message.sent.v1", {"message_id": "another"}), ("session.ended.v1", {"session_id": "another"})]
    await _say(timeline.heard, *others, *_a_conversation())

    await timeline.follow(*TAKEN_IN, *ANSWERED, READ, ENDED)
    timeline.check_once()

    assert [each["step"] for each in timeline.told] == [step.name for step in demo_steps.ALL]
    assert {each["ms"] for each in timeline.told} == {1500}
    assert timeline.told[-1]["by"].endswith("as of 60.0 s")
    assert (timeline.known.answer_id, timeline.known.chat_id) == ("answer", "c")


async def test_an_event_that_comes_twice_happened_once(timeline: Timeline) -> None:
    await _say(timeline.heard, *_a_conversation())
    await _say(timeline.heard, *_a_conversation())
    await timeline.follow(*TAKEN_IN)
    timeline.check_once()


async def test_a_step_that_happens_twice_is_told(timeline: Timeline) -> None:
    await _say(timeline.heard, *_a_conversation())
    await _say(timeline.heard, ("message.sent.v1", {"message_id": "answer", "a second": "time"}))
    await timeline.follow(*TAKEN_IN, *ANSWERED)
    with pytest.raises(CannotContinue, match="'answer sent' happened 2 times"):
        timeline.check_once()


async def test_a_step_that_does_not_happen_is_told_with_where_to_look(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_steps, "WITHIN_S", 0.1)
    await _say(timeline.heard, *_a_conversation()[:-4])
    with pytest.raises(CannotContinue) as told:
        await timeline.follow(*TAKEN_IN, *ANSWERED)
    assert "'answer sent' did not happen" in str(told.value)
    assert "the last that did was 'answer queued'" in str(told.value)
    assert "`make logs SERVICE=channel-gateway`" in str(told.value)


async def test_a_session_that_somebody_closed_did_not_time_out(timeline: Timeline) -> None:
    closed = ("session.ended.v1", {"session_id": "s", "end_reason": "closed_by_agent"})
    await _say(timeline.heard, *_a_conversation()[:-1], closed)
    await timeline.follow(*TAKEN_IN)
    assert not await timeline.happens(ENDED, 0.1)


async def test_after_a_crash_every_message_of_the_load_is_counted_once() -> None:
    heard, crash = Heard(), Crash(seed=7)
    texts = ["olá #7-0-1", "já #7-0-2", "of another load #8-0-1", "#7-1-1"]
    await _say(heard, *((demo_steps.STORED, {"message_id": text, "content": {"text": text}}) for text in texts))
    assert crash.count(heard) == 3
    assert crash.doubled == 0

    await _say(heard, (demo_steps.STORED, {"message_id": "another id", "content": {"text": "já #7-0-2"}}))
    assert crash.count(heard) == 3
    assert crash.doubled == 1


def test_the_lines_to_paste_read_send_and_count() -> None:
    facts = {"api_key": "k", "gateway_url": "http://here", "chat_id": "c"}
    read, send, usage = curl_lines(facts)
    assert "'http://here/api/v1/crm/messages?chat_id=c&sort=timestamp'" in read
    assert "Idempotency-Key: " in send
    assert '"chat_id": "c"' in send
    assert "/billing/usage?" in usage


def test_a_stack_that_goes_away_in_the_middle_is_told_in_words(free_base: int) -> None:
    nobody_there = Product(f"http://127.0.0.1:{free_base}")

    with (
        pytest.raises(CannotContinue, match=r"stopped answering in the middle \(ConnectError\): `make status`"),
        needing_the_stack(),
    ):
        nobody_there.usage()


async def test_nobody_waits_for_what_a_broker_that_is_gone_will_never_tell() -> None:
    heard = Heard()
    asyncio.get_running_loop().call_later(0.05, heard.lose)

    with pytest.raises(CannotContinue, match="make doctor"), needing_the_stack():
        await asyncio.wait_for(heard.until(lambda: False, within_s=60), 5)
