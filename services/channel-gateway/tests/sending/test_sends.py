"""A message that messaging asks for leaves through WAHA, once, and everybody is told what became of it."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from channel_gateway.adapters.due_in_postgres import DueInPostgres
from contracts.identity.project_activated_v1 import IdentityProjectActivatedV1
from contracts.identity.project_deactivated_v1 import IdentityProjectDeactivatedV1
from contracts.message.recipient import Recipient
from kernel.ids import new_id
from testkit.eventually import eventually


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def hash_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def is_(world: Any, line: Any, status: str) -> bool:
    (row,) = await world.gateway.rows("select status from channel_gateway.channels where id = $1", line.channel.id)
    return bool(row["status"] == status)


async def test_a_text_is_sent_with_an_id_that_was_reserved_and_said_so(world: Any) -> None:
    line = await world.line("GOWS")
    wish = await world.send(line, "Yes, two are left.")
    assert await world.ends(wish) == ["accepted"]
    ((outcome, said),) = await world.said_of(wish)
    (call,) = await world.calls()
    assert outcome == "sent"
    assert said["provider_message_id"] == call["reserved_id"] == call["effects"][0]["message_id"]
    assert said["evidence"] in ("answer", "own_message", "ack")
    assert (said["attempts"], said["external_chat_id"]) == (1, wish.chat)
    assert await world.went_out(wish) == 1
    stored = await world.attempt(wish)
    assert stored["text"] is None, "what was said is kept no longer than needed"


async def test_an_engine_without_reserved_ids_is_called_once_and_names_the_message(world: Any) -> None:
    line = await world.line("WEBJS")
    wish = await world.send(line, "Yes, two are left.")
    assert await world.ends(wish) == ["accepted"]
    ((outcome, said),) = await world.said_of(wish)
    (call,) = await world.calls()
    assert (outcome, call["reserved_id"]) == ("sent", None)
    assert said["provider_message_id"] == call["effects"][0]["message_id"]
    assert said["provider_message_ref"] == f"true_{wish.chat}_{said['provider_message_id']}"


async def test_each_chat_keeps_its_order_and_chats_go_in_parallel(world: Any, chat_of: Any, hash_of: Any) -> None:
    line = await world.line("GOWS")
    wishes = [world.wish(line, f"{chat}-{number}", chat=chat_of(chat)) for number in range(4) for chat in range(4)]
    await world.ask(*wishes)
    assert set(await world.ends(*wishes)) == {"accepted"}
    sent = await world.whatsapp()
    for chat in range(4):
        order = [each["text_hash"] for each in sent if each["chat"] == chat_of(chat)]
        assert order == [hash_of(f"{chat}-{number}") for number in range(4)]
    chats = [each["chat"] for each in sent]
    assert chats != sorted(chats), "one chat after the other"


async def test_a_reply_quotes_what_it_answers(world: Any, chat_of: Any) -> None:
    line = await world.line("GOWS")
    written = await world.control(
        "customer/writes", session=line.session, text="How many?", customer={"phone": chat_of(1).partition("@")[0]}
    )
    wish = await world.send(
        line, "Two.", reply_to_provider_ref=written["id"], reply_to_provider_id=written["message_id"]
    )
    await world.ends(wish)
    ((_, said),) = await world.said_of(wish)
    message = world.simulator.simulator.history.get(line.session, said["provider_message_id"])
    assert message.quote.bare_id == written["message_id"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"content": {"type": "image", "media": {"media_id": new_id()}}}, "not_supported_by_channel"),
        ({"content": {"type": "hologram", "depth": 3}}, "not_supported_by_channel"),
        ({"to": Recipient()}, "no_address"),
    ],
)
async def test_what_cannot_be_sent_is_refused_at_once_with_its_reason(world: Any, more: Any, code: str) -> None:
    line = await world.line("GOWS")
    wish = await world.send(line, "Look!", **more)
    ((outcome, said),) = await world.said_of(wish)
    assert (outcome, said["code"], said["permanent"], said["attempts"]) == ("failed", code, True, 0)
    assert said["reason"]
    assert await world.calls() == []


async def test_a_send_through_a_channel_that_is_not_there_is_refused(world: Any) -> None:
    line = await world.line("GOWS")
    await world.gateway.ask(line.channel.tenant, "DELETE", f"/crm/channels/{line.channel.id}")
    wish = await world.send(line, "Hello?")
    ((outcome, said),) = await world.said_of(wish)
    assert (outcome, said["code"]) == ("failed", "channel_disconnected")


async def test_a_bare_phone_is_looked_up_first_and_its_chat_is_what_counts(world: Any) -> None:
    line = await world.line("GOWS")
    # Brazil's ninth digit: asked with 13 digits, WhatsApp may know the account by 12
    await world.control("people", phone="552188880001")
    await world.control("people", phone="5521999990000", on_whatsapp=False)
    known = await world.send(line, "first", to=Recipient(phone="+5521988880001"), chat="somebody")
    absent = await world.send(line, "second", to=Recipient(phone="+5521999990000"), chat="nobody")
    assert await world.ends(known, absent) == ["accepted", "rejected"]
    assert [each["chat"] for each in await world.whatsapp()] == ["552188880001@c.us"]
    ((_, said),) = await world.said_of(absent)
    assert said["code"] == "not_on_whatsapp"


async def test_a_request_that_is_heard_twice_is_sent_once(world: Any) -> None:
    line = await world.line("GOWS")
    wish = await world.send(line, "once")
    await world.ask(wish)
    await world.ends(wish)
    await world.ask(wish)
    other = await world.send(line, "then")
    await world.ends(other)
    assert await world.went_out(wish) == 1
    assert len(await world.said_of(wish)) == 1


async def test_a_message_is_withdrawn_as_long_as_it_has_not_begun(world: Any) -> None:
    line = await world.line("GOWS")
    sent = await world.send(line, "too late")
    await world.ends(sent)
    await world.cancel(line, sent)
    await world.control(f"sessions/{line.session}/status", status="STOPPED")
    await eventually(lambda: is_(world, line, "disconnected"))
    waiting = await world.send(line, "in time")
    await world.cancel(line, waiting)
    # events of two types may overtake each other
    early = world.wish(line, "withdrawn before it came")
    await world.cancel(line, early)
    await world.ask(early)
    await world.control(f"sessions/{line.session}/scan")
    last = await world.send(line, "last")
    await world.ends(last)
    assert [outcome for outcome, _ in await world.said_of(sent)] == ["sent"]
    for wish in (waiting, early):
        ((outcome, said),) = await world.said_of(wish)
        assert (outcome, said["code"], said["attempts"]) == ("failed", "cancelled", 0)
    assert [await world.went_out(wish) for wish in (waiting, early)] == [0, 0]


async def test_while_its_channel_does_not_work_a_message_waits_and_then_goes(world: Any) -> None:
    line = await world.line("GOWS")
    await world.control(f"sessions/{line.session}/status", status="STOPPED")
    await eventually(lambda: is_(world, line, "disconnected"))
    wish = await world.send(line, "when you can")
    brief = await world.send(line, "now or never", chat="4915112345678@c.us", expires_at=in_seconds(0.3))
    assert await world.ends(brief) == ["rejected"]
    ((_, said),) = await world.said_of(brief)
    assert said["code"] == "expired"
    assert (await world.attempt(wish))["state"] == "pending"
    assert await world.calls() == []
    await world.control(f"sessions/{line.session}/scan")
    assert await world.ends(wish) == ["accepted"]


async def test_in_a_project_that_rests_a_message_waits_and_then_goes(world: Any) -> None:
    line, other = await world.line("GOWS"), await world.line("GOWS")
    await world.hears(line, IdentityProjectDeactivatedV1(project_id=line.channel.tenant.project_id, version=3))
    await world.hears(line, IdentityProjectActivatedV1(project_id=line.channel.tenant.project_id, version=2))
    wish = await world.send(line, "when you can")
    assert await world.ends(await world.send(other, "now")) == ["accepted"]
    due = await DueInPostgres(world.gateway.assembly.works).channels_to_serve(10)
    assert line.channel.id not in [channel_id for _, channel_id in due]
    assert ((await world.attempt(wish))["state"], len(await world.calls())) == ("pending", 1)
    await world.hears(line, IdentityProjectActivatedV1(project_id=line.channel.tenant.project_id, version=4))
    assert await world.ends(wish) == ["accepted"]


async def test_what_is_urgent_goes_first_but_never_before_its_own_chat(world: Any, chat_of: Any) -> None:
    line = await world.line("GOWS")
    await world.control(f"sessions/{line.session}/status", status="STOPPED")
    await eventually(lambda: is_(world, line, "disconnected"))
    low = [world.wish(line, f"low {number}", chat=chat_of(number), priority="low") for number in range(10)]
    await world.ask(*low)
    answer = world.wish(line, "answer", chat=chat_of(9), priority="high")
    await world.ask(answer)
    await world.control(f"sessions/{line.session}/scan")
    await world.ends(*low, answer)
    order = [each["text_hash"] for each in await world.whatsapp()]
    before = order.index(hash_of_text("low 9"))
    assert order.index(hash_of_text("answer")) > before
    assert before < 8, "what stands before an answer in its chat goes as fast as it does"


async def test_the_pace_holds_automated_sends_back_and_lets_answers_pass(make_world: Any, chat_of: Any) -> None:
    world = await make_world(paced=True)
    line = await world.line("GOWS", pace={"messages_per_minute": 60, "burst": 2, "jitter_percent": 0})
    automated = [world.wish(line, f"auto {number}", chat=chat_of(number)) for number in range(4)]
    urgent = [world.wish(line, f"high {number}", chat=chat_of(10 + number), priority="high") for number in range(4)]
    await world.ask(*automated, *urgent)
    await world.ends(*urgent, *automated)
    began = [(await world.attempt(wish))["sending_at"] for wish in automated]
    since_first = sorted((moment - min(began)).total_seconds() for moment in began)
    assert since_first[2] >= 0.9, "two at once, then one a second"
    assert since_first[3] >= 1.8
    answers = [(await world.attempt(wish))["sending_at"] for wish in urgent]
    assert max(answers) < sorted(began)[2], "answers wait for nothing that is automated"


async def test_sends_are_listed_with_what_is_known_of_them(world: Any) -> None:
    line = await world.line("GOWS")
    wish = await world.send(line, "hello")
    await world.ends(wish)
    answer = await world.gateway.ask(
        line.channel.tenant, "GET", f"/crm/channels/{line.channel.id}/sends?state=accepted"
    )
    (shown,) = answer.json()["data"]
    assert (shown["message_id"], shown["state"], shown["priority"], shown["attempts"]) == (
        wish.id,
        "accepted",
        "normal",
        1,
    )
    assert "text" not in shown
