"""Other services wish to speak, on a real database: each wish is queued or failed, once, in order, in the right chat."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import messaging_events as heard
import pytest
from contracts.message.send_requested_v1 import MessageSendRequestedV1
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.errors import DomainError
from kernel.ids import new_id
from messaging.application import compose_messages
from outbox.said import events_said

TENANT = "00000000-0000-7000-8000-00000000000a"
OTHER = "00000000-0000-7000-8000-00000000000b"
CHAT_KEY = f"{heard.CHANNEL}:{heard.ANA}"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_messages, "PATIENCE_S", 0.0)


async def a_shop(line: Any, tenant: str = TENANT, **channel: Any) -> None:
    """A channel, and Ana who is known on it and has written."""
    await line.hears(heard.channel(tenant, **channel))
    await line.hears(heard.contact(tenant, identities=(("wa_pn", heard.ANAS_ADDRESS, heard.CHANNEL),)))
    await line.hears(heard.message(tenant, chat=CHAT_KEY))


async def test_a_wish_is_queued_under_the_id_that_its_speaker_gave_it(line: Any) -> None:
    await a_shop(line)
    wish = heard.compose(TENANT, chat=CHAT_KEY)

    (requested,) = await line.hears(wish)

    _, stored = sorted(await line.messages(), key=lambda message: message["sequence"])
    assert requested.type == "message.send_requested.v1"
    assert requested.data.message_id == stored["message_id"] == wish.data.message_id
    assert requested.data.to.external_chat_id == heard.ANAS_ADDRESS
    assert (requested.data.first_contact, requested.data.priority, requested.data.source) == (False, "high", "trigger")
    assert bytes(requested.data.content) == b'{"type":"text","text":"We open at nine."}'
    assert requested.data.origin_ref == wish.data.origin_ref
    assert (requested.actor, requested.hop, requested.causationid) == (wish.actor, 1, wish.id)
    assert (requested.correlationid, requested.partitionkey) == (wish.correlationid, CHAT_KEY)
    assert (stored["status"], stored["sequence"], stored["origin"]) == ("queued", 2, "api")
    assert stored["expires_at"] - stored["queued_at"] == timedelta(days=1)
    assert await line.steps(stored["message_id"]) == ["queued"]


async def test_a_repeated_wish_changes_nothing(line: Any) -> None:
    await a_shop(line)
    wish = heard.compose(TENANT, "00000000-0000-7000-8000-0000000000e1", chat=CHAT_KEY)
    again = heard.compose(TENANT, wish.data.message_id, chat=CHAT_KEY, text="something else")

    assert len(await line.hears(wish, again)) == 1
    assert await line.hears(again) == []

    ours = [message["text"] for message in await line.messages() if message["direction"] == "outbound"]
    (chat,) = await line.chats()
    assert ours == ["We open at nine."]
    assert chat["last_sequence"] == 2


async def test_wishes_of_a_chat_keep_their_order_on_the_bus_and_in_the_chat(line: Any) -> None:
    await a_shop(line)
    said = await line.hears(*(heard.compose(TENANT, chat=CHAT_KEY, text=str(number)) for number in range(5)))
    said += await line.hears(*(heard.compose(TENANT, chat=CHAT_KEY, text=str(number)) for number in range(5, 8)))

    stored = {message["message_id"]: message["sequence"] for message in await line.messages()}
    assert [stored[event.data.message_id] for event in said] == list(range(2, 10))
    (chat,) = await line.chats()
    assert (chat["last_message_preview"], chat["last_message_inbound"], chat["unread_count"]) == ("7", False, 1)


async def test_two_transactions_of_one_chat_wait_for_each_other_and_number_on(line: Any) -> None:
    await a_shop(line)

    await asyncio.gather(*(line.hears(heard.compose(TENANT, chat=CHAT_KEY, text=str(n))) for n in range(4)))

    said = await events_said(line.administrator, "messaging", MessageSendRequestedV1.TYPE)
    stored = {message["message_id"]: message["sequence"] for message in await line.messages()}
    queued = [json.loads(event)["data"]["message_id"] for event in said]
    assert [stored[each] for each in queued] == [2, 3, 4, 5], "what was queued first stands first in the outbox"


async def test_a_first_contact_begins_the_chat_that_the_line_would_begin(line: Any) -> None:
    await line.hears(heard.channel(TENANT))
    await line.hears(heard.contact(TENANT, phone="+12025550143"))

    created, requested = await line.hears(heard.compose(TENANT))
    assert (created.type, created.data.chat_key) == ("chat.created.v1", CHAT_KEY)
    assert (requested.data.to.external_chat_id, requested.data.to.phone) == (None, "+12025550143")
    assert requested.data.first_contact

    await line.hears(heard.message(TENANT, chat=CHAT_KEY, at=1))

    (chat,) = await line.chats()
    assert (chat["chat_key"], chat["last_sequence"], chat["external_chat_id"]) == (CHAT_KEY, 2, heard.ANAS_ADDRESS)


async def test_the_address_of_a_person_finds_the_chat_of_another_key(line: Any) -> None:
    await line.hears(heard.channel(TENANT))
    await line.hears(heard.message(TENANT, chat="older key"))
    await line.hears(heard.contact(TENANT, identities=(("wa_pn", heard.ANAS_ADDRESS, heard.CHANNEL),)))

    (requested,) = await line.hears(heard.compose(TENANT))

    assert requested.data.chat_key == "older key"
    assert len(await line.chats()) == 1


async def test_a_wish_by_address_finds_the_person_behind_it(line: Any) -> None:
    await line.hears(heard.channel(TENANT))
    await line.hears(heard.contact(TENANT))
    await line.hears(heard.identity_linked(TENANT, heard.ANAS_ADDRESS))

    created, requested = await line.hears(heard.compose(TENANT, contact=None, to=heard.ANAS_ADDRESS))
    (_, stranger) = await line.hears(heard.compose(TENANT, contact=None, to="12025550199@c.us"))

    assert (created.data.chat_key, requested.data.contact_id) == (CHAT_KEY, heard.ANA)
    assert (stranger.data.contact_id, stranger.data.to.external_chat_id) == (None, "12025550199@c.us")


async def test_whose_a_chat_is_that_an_address_began_is_learned_from_the_line(line: Any) -> None:
    await line.hears(heard.channel(TENANT))
    await line.hears(heard.compose(TENANT, contact=None, to=heard.ANAS_ADDRESS))
    (before,) = await line.chats()

    await line.hears(heard.message(TENANT, chat=CHAT_KEY), heard.message(TENANT, chat=CHAT_KEY, at=1))

    (chat,) = await line.chats()
    assert (before["contact_id"], str(chat["contact_id"]), chat["last_sequence"]) == (None, heard.ANA, 3)
    assert chat["participants"].count(heard.ANA) == 1


async def test_without_a_channel_the_last_one_is_meant_otherwise_the_only_one(line: Any) -> None:
    second, bea = new_id(), new_id()
    await line.hears(heard.channel(TENANT))
    await line.hears(heard.contact(TENANT, phone="+12025550143"), heard.contact(TENANT, bea, phone="+12025550144"))
    *_, only = await line.hears(heard.compose(TENANT, contact=bea, channel=None))
    await line.hears(heard.channel(TENANT, second))
    await line.hears(heard.message(TENANT, chat=f"{second}:{heard.ANA}", channel=second, at=5))
    (last,) = await line.hears(heard.compose(TENANT, channel=None))
    await line.hears(heard.identity_linked(TENANT, "7@c.us", contact_id=(seen := new_id()), channel=second))
    *_, where_seen = await line.hears(heard.compose(TENANT, contact=seen, channel=None))
    *_, unclear = await line.hears(heard.compose(TENANT, contact=new_id(), channel=None))

    assert (only.data.channel_id, last.data.channel_id) == (heard.CHANNEL, second)
    assert where_seen.data.channel_id == second
    assert (unclear.type, unclear.data.code) == ("message.failed.v1", "no_address")
    with pytest.raises(DomainError, match="no channel to send through"):
        await line.hears(heard.compose(OTHER, channel=None))


async def test_a_wish_that_names_nobody_is_refused_as_a_whole(line: Any) -> None:
    with pytest.raises(DomainError, match="names no chat"):
        await line.hears(heard.compose(TENANT, contact=None, channel=None, chat="unknown"))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"purpose": "marketing"}, "opted_out"),
    ({"content": {"type": "location", "latitude": 1, "longitude": 2}}, "not_supported_by_channel"),
    ({"content": {"type": "hologram", "frames": 3}}, "not_supported_by_channel"),
    ({"content": {"type": "image", "media": {"media_id": new_id()}, "text": "look"}}, "not_supported_by_channel"),
    ({"text": "  "}, "not_supported_by_channel"),
    ({"expires_at": heard.NOON}, "expired"),
    ({"reply_to": new_id()}, "not_supported_by_channel"),
]


async def test_what_is_refused_is_kept_as_failed_with_its_reason(line: Any) -> None:
    await a_shop(line)
    await line.hears(heard.contact(TENANT, opted_out=True, version=2, changed=True))
    (before,) = await line.chats()

    for number, (wish, code) in enumerate(REFUSED, start=2):
        (failed,) = await line.hears(heard.compose(TENANT, chat=CHAT_KEY, **wish))

        stored = next(each for each in await line.messages() if each["message_id"] == failed.data.message_id)
        (chat,) = await line.chats()
        assert (failed.type, failed.data.code) == ("message.failed.v1", code)
        assert (failed.actor, failed.hop, failed.data.source) == (f"rule:{heard.RULE}", 1, "trigger")
        assert (stored["status"], stored["failure_code"]) == ("failed", code)
        assert stored["failure_message"] == failed.data.reason
        assert await line.steps(stored["message_id"]) == ["failed"]
        assert (chat["last_sequence"], chat["last_message_id"]) == (number, before["last_message_id"]), (
            "nothing was said"
        )


async def test_a_refused_wish_does_not_bring_an_archived_chat_back_and_a_queued_one_does(line: Any) -> None:
    await a_shop(line)
    await line.administrator.execute("update messaging.chats set status = 'archived'")

    await line.hears(heard.compose(TENANT, chat=CHAT_KEY, text=" "))
    (chat,) = await line.chats()
    assert chat["status"] == "archived"
    await line.hears(heard.compose(TENANT, chat=CHAT_KEY))
    (chat,) = await line.chats()
    assert chat["status"] == "active"


async def test_who_cannot_be_reached_is_a_failure_that_can_be_seen(line: Any) -> None:
    await line.hears(heard.channel(TENANT))
    await line.hears(heard.contact(TENANT))

    created, failed = await line.hears(heard.compose(TENANT))

    assert (created.type, failed.data.code, failed.data.retryable) == ("chat.created.v1", "no_address", True)


async def test_a_deleted_contact_gets_nothing_until_restored(line: Any) -> None:
    await a_shop(line)
    await line.hears(heard.contact_life(TENANT, deleted=True, version=2))
    (failed,) = await line.hears(heard.compose(TENANT, chat=CHAT_KEY))
    await line.hears(heard.contact_life(TENANT, deleted=False, version=3))
    await line.hears(heard.contact_life(TENANT, deleted=True, version=2))
    (requested,) = await line.hears(heard.compose(TENANT, chat=CHAT_KEY))

    assert (failed.data.code, requested.type) == ("no_address", "message.send_requested.v1")


async def test_a_contact_that_becomes_known_a_moment_later_is_waited_for(
    line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose_messages, "PATIENCE_S", 5.0)
    monkeypatch.setattr(compose_messages, "LOOK_AGAIN_S", 0.02)
    await line.hears(heard.channel(TENANT))

    wish = asyncio.create_task(line.hears(heard.compose(TENANT)))
    await asyncio.sleep(0.1)
    assert not wish.done()
    await line.hears(heard.contact(TENANT, phone="+12025550143"))

    assert [event.type for event in await wish] == ["chat.created.v1", "message.send_requested.v1"]


async def test_the_open_session_of_the_chat_is_named(line: Any) -> None:
    session, named = new_id(), new_id()
    await a_shop(line)
    await line.hears(heard.session_started(TENANT, session, chat=CHAT_KEY))
    (first,) = await line.hears(heard.compose(TENANT, chat=CHAT_KEY))
    (second,) = await line.hears(heard.compose(TENANT, chat=CHAT_KEY, session=named))
    await line.hears(heard.session_ended(TENANT, session, chat=CHAT_KEY))
    (third,) = await line.hears(heard.compose(TENANT, chat=CHAT_KEY))

    assert [each.data.session_id for each in (first, second, third)] == [session, named, None]


async def test_a_quote_carries_what_the_provider_calls_it(line: Any) -> None:
    await a_shop(line)
    (quoted,) = await line.messages()

    (requested,) = await line.hears(heard.compose(TENANT, chat=CHAT_KEY, reply_to=quoted["message_id"]))

    assert requested.data.reply_to_provider_id == quoted["provider_message_id"]
    assert requested.data.reply_to_provider_ref == quoted["provider_message_ref"]
    _, ours = await line.messages()
    assert ours["reply"] == quoted["message_id"]


async def test_two_tenants_with_equal_ids_mix_nothing(line: Any) -> None:
    message_id = new_id()
    await a_shop(line)
    await line.hears(heard.channel(OTHER, status="inactive"))
    await line.hears(heard.contact(OTHER, phone="+12025550100"))

    said = await line.hears(heard.compose(OTHER, message_id), heard.compose(TENANT, message_id))

    found = {(event.tenantid, event.type): event.data for event in said}
    assert found[TENANT, "message.send_requested.v1"].to.external_chat_id == heard.ANAS_ADDRESS
    assert found[OTHER, "message.failed.v1"].code == "channel_disconnected"
    assert (OTHER, "chat.created.v1") in found
    assert (TENANT, "chat.created.v1") not in found
    ours = {message["tenant"]: message for message in await line.messages() if message["direction"] == "outbound"}
    assert {tenant: message["status"] for tenant, message in ours.items()} == {TENANT: "queued", OTHER: "failed"}
    assert ours[TENANT]["chat"] != ours[OTHER]["chat"]


async def test_another_tenants_chat_and_contact_cannot_be_reached(line: Any) -> None:
    await a_shop(line)
    await line.hears(heard.channel(OTHER))

    _, failed = await line.hears(heard.compose(OTHER, chat=CHAT_KEY))

    assert (failed.tenantid, failed.data.code) == (OTHER, "no_address")
    assert len([chat for chat in await line.chats() if chat["tenant"] == TENANT]) == 1


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(1, 5))
async def test_wishes_in_any_repetition_and_batching_are_stored_once_each(
    line: Any, numbers: list[int], size: int
) -> None:
    await a_shop(line)
    ids = [new_id() for _ in range(5)]
    said = []
    for start in range(0, len(numbers), size):
        batch = [heard.compose(TENANT, ids[number], chat=CHAT_KEY) for number in numbers[start : start + size]]
        said += await line.hears(*batch)

    told = [event.data.message_id for event in said]
    assert sorted(told) == sorted({ids[number] for number in numbers})
    stored = {message["message_id"] for message in await line.messages()}
    assert set(told) <= stored


async def test_a_batch_of_wishes_costs_the_same_statements_whatever_its_size(line: Any) -> None:
    await line.hears(heard.channel(TENANT))
    people = [new_id() for _ in range(200)]
    await line.hears(*(heard.contact(TENANT, person, phone="+12025550143") for person in people))

    async def cost(people: list[str]) -> int:
        line.statements.clear()
        await line.hears(*(heard.compose(TENANT, contact=person) for person in people))
        return len(line.statements)

    # known? chats, channels, people, sessions, add, begin; and one look more where it waits for strangers
    assert await cost(people[:2]) == await cost(people[2:]) == 7
    assert await cost(people) == 7  # nothing to begin, but to keep
