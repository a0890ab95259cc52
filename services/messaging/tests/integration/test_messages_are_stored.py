"""The handler on a real database: stored once, in order, in the right chat."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from kernel.ids import new_id

TENANT = "00000000-0000-7000-8000-00000000000a"
OTHER = "00000000-0000-7000-8000-00000000000b"


async def test_a_first_message_begins_its_chat(line: Any) -> None:
    session = new_id()
    created, received = await line.hears(line.message(TENANT, session=session))

    (chat,), (message,) = await line.chats(), await line.messages()
    assert (created.type, received.type) == ("chat.created.v1", "message.received.v1")
    assert created.data.chat_id == received.data.chat_id == chat["chat"] == message["chat"]
    assert received.data.message_id == message["message_id"]
    assert (received.data.session_id, received.data.sequence) == (session, 1)
    assert (chat["unread_count"], chat["last_message_preview"]) == (1, "hello")
    assert (message["sender_kind"], message["sender_name"], message["status"]) == ("contact", "Ana", "delivered")
    assert received.partitionkey == "chat"


async def test_messages_of_a_chat_are_numbered_over_batches(line: Any) -> None:
    await line.hears(line.message(TENANT), line.message(TENANT, at=1))
    said = await line.hears(line.message(TENANT, at=2), line.message(TENANT, at=3, from_me=True))

    assert [(event.type, event.data.sequence) for event in said] == [("message.received.v1", 3), ("message.sent.v1", 4)]
    (chat,) = await line.chats()
    assert (chat["unread_count"], chat["last_sequence"], chat["last_message_inbound"]) == (3, 4, False)


async def test_what_was_typed_on_the_phone_is_sent_by_the_phone(line: Any) -> None:
    _, sent = await line.hears(line.message(TENANT, from_me=True))

    (message,) = await line.messages()
    assert (sent.data.sender.kind, sent.data.source, sent.data.sent_at) == ("phone", "phone", line.noon)
    assert (message["status"], message["sent_at"], message["sender_kind"]) == ("sent", line.noon, "phone")


async def test_a_duplicate_is_no_row_no_event_and_no_count(line: Any) -> None:
    first, again = line.message(TENANT, "ABC"), line.message(TENANT, "ABC")
    assert len(await line.hears(first, again, line.message(TENANT, "DEF"))) == 3
    assert await line.hears(line.message(TENANT, "ABC")) == []
    said = await line.hears(line.message(TENANT, "DEF"), line.message(TENANT, "GHI", at=1))

    assert [event.data.provider_message_id for event in said] == ["GHI"]
    (chat,) = await line.chats()
    assert chat["unread_count"] == len(await line.messages()) == 3


async def test_a_duplicate_of_a_closed_chat_begins_no_new_one(line: Any) -> None:
    await line.hears(line.message(TENANT, "ABC"))
    await line.administrator.execute("update messaging.chats set status = 'closed'")

    assert await line.hears(line.message(TENANT, "ABC")) == []
    said = await line.hears(line.message(TENANT, "DEF", at=1))
    assert [event.type for event in said] == ["chat.created.v1", "message.received.v1"]
    assert len(await line.chats()) == 2, "who writes after the end gets a new chat"


async def test_a_message_brings_an_archived_chat_back(line: Any) -> None:
    await line.hears(line.message(TENANT))
    await line.administrator.execute("update messaging.chats set status = 'archived'")
    await line.hears(line.message(TENANT, at=1))

    (chat,) = await line.chats()
    assert chat["status"] == "active"


async def test_a_chat_collects_every_id_that_the_provider_used(line: Any) -> None:
    await line.hears(line.message(TENANT, external="1@c.us"))
    await line.hears(line.message(TENANT, external="2@lid", at=1), line.message(TENANT, external="1@c.us", at=2))

    (chat,) = await line.chats()
    assert chat["external_ids"] == ["1@c.us", "2@lid"]
    assert chat["external_chat_id"] == "1@c.us", "the newest reported is the one that we send to"


async def test_the_providers_id_finds_the_chat_of_another_key(line: Any) -> None:
    await line.hears(line.message(TENANT, chat="older", external="1@c.us"))
    await line.hears(line.message(TENANT, chat="newer", external="1@c.us", at=1))

    (chat,) = await line.chats()
    assert (chat["chat_key"], chat["last_sequence"]) == ("older", 2)


async def test_two_chats_never_come_to_share_an_id_of_the_provider(line: Any) -> None:
    await line.hears(
        line.message(TENANT, chat="one", external="1@c.us"), line.message(TENANT, chat="two", external="2@lid")
    )
    await line.hears(line.message(TENANT, chat="one", external="2@lid", at=1))

    assert {(c["chat_key"], c["external_chat_id"], c["last_sequence"]) for c in await line.chats()} == {
        ("one", "1@c.us", 2),
        ("two", "2@lid", 1),
    }


async def test_group_messages_name_the_writer_and_the_chat_nobody(line: Any) -> None:
    await line.hears(
        line.message(TENANT, chat="group", chat_type="group"),
        line.message(TENANT, chat="group", chat_type="group", from_me=True, contact=None, at=1),
    )

    (chat,) = await line.chats()
    theirs, ours = await line.messages()
    assert (chat["contact_id"], chat["subject"], chat["participants"]) == (None, "Neighbours", "[]")
    assert theirs["contact_id"] is not None
    assert ours["contact_id"] is None


async def test_two_tenants_with_equal_ids_mix_nothing(line: Any) -> None:
    said = await line.hears(
        line.message(TENANT, "SAME", text="mine"),
        line.message(OTHER, "SAME", text="yours"),
        line.message(OTHER, "REPLY", at=1, reply_to="SAME"),
        line.message(TENANT, "LATER", at=2, reply_to="MISSING"),
    )
    said += await line.hears(line.message(OTHER, "MISSING", at=3))

    chats = {chat["tenant"]: chat for chat in await line.chats()}
    messages = {(message["tenant"], message["provider_message_id"]): message for message in await line.messages()}
    assert {tenant: chat["unread_count"] for tenant, chat in chats.items()} == {TENANT: 2, OTHER: 3}
    assert all(message["chat"] == chats[message["tenant"]]["chat"] for message in messages.values())
    assert messages[OTHER, "REPLY"]["reply"] == messages[OTHER, "SAME"]["message_id"]
    assert messages[TENANT, "LATER"]["reply"] is None
    assert all(event.data.chat_id == chats[event.tenantid]["chat"] for event in said)
    async with line.works.begin([OTHER]) as work:
        assert await work.connection.fetchval("select count(*) from messages") == 3


async def test_an_answer_finds_what_it_quotes_before_beside_and_after_it(line: Any) -> None:
    await line.hears(line.message(TENANT, "A"))
    said = await line.hears(
        line.message(TENANT, "B", at=1, reply_to="A"),
        line.message(TENANT, "C", at=2, reply_to="B"),
        line.message(TENANT, "D", at=3, reply_to="E"),
    )
    await line.hears(line.message(TENANT, "E", at=2.5))

    by_id = {message["provider_message_id"]: message for message in await line.messages()}
    assert [by_id[answer]["reply"] for answer in "BCD"] == [by_id[quoted]["message_id"] for quoted in "ABE"]
    assert [event.data.reply_to_message_id for event in said] == [
        by_id["A"]["message_id"],
        by_id["B"]["message_id"],
        None,
    ]


async def test_the_list_of_chats_shows_the_newest_message_and_not_the_last_stored(line: Any) -> None:
    await line.hears(line.message(TENANT, text="newest", at=10))
    await line.hears(line.message(TENANT, text="older", at=5))

    (chat,) = await line.chats()
    assert (chat["last_message_preview"], chat["last_message_at"]) == ("newest", line.noon + timedelta(minutes=10))


async def test_history_is_stored_and_neither_announced_nor_unread(line: Any) -> None:
    said = await line.hears(line.message(TENANT, origin="history"))

    assert [event.type for event in said] == ["chat.created.v1"]
    (chat,) = await line.chats()
    assert (chat["unread_count"], len(await line.messages())) == (0, 1)


async def test_a_file_is_recorded_as_pending(line: Any) -> None:
    media = {"media_id": new_id(), "mime_type": "image/jpeg", "size_bytes": 1234}
    await line.hears(
        line.message(TENANT, content={"type": "image", "text": "look", "file_name": "a.jpg", "media": media})
    )

    (message,) = await line.messages()
    row = await line.administrator.fetchrow("select * from messaging.media_objects")
    assert (message["content_type"], message["text"], str(message["media_id"])) == ("image", "look", media["media_id"])
    assert (row["state"], row["file_name"], row["size_bytes"]) == ("pending", "a.jpg", 1234)
    assert row["message_id"] == message["id"]


async def test_a_kind_of_tomorrow_is_kept_as_it_came(line: Any) -> None:
    content = {"type": "hologram", "text": "wave", "frames": [{"depth_cm": 12}]}
    _, received = await line.hears(line.message(TENANT, content=content))

    (message,) = await line.messages()
    assert (message["content_type"], message["unsupported_kind"], message["text"]) == (
        "unsupported",
        "hologram",
        "wave",
    )
    assert msgspec.json.decode(message["details"]) == content
    assert msgspec.json.decode(received.data.content) == content


async def test_a_known_kind_with_bad_content_is_refused_and_nothing_is_stored(line: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        await line.hears(line.message(TENANT), line.message(TENANT, content={"type": "location", "latitude": "north"}))

    assert await line.messages() == []


@pytest.mark.parametrize(
    "content",
    [
        {"type": "location", "latitude": 1.5, "longitude": -2.25, "title": "here"},
        {"type": "contact", "contacts": [{"full_name": "Bia", "phone": "+12025550199"}]},
        {"type": "poll", "name": "when?", "options": ["now", "later"]},
        {"type": "text", "text": "Two", "interactive_reply": {"kind": "list", "selected_id": "2", "title": "Two"}},
        {"type": "buttons", "text": "choose"},
        {"type": "system", "kind": "revoked"},
    ],
    ids=["location", "contact", "poll", "interactive reply", "buttons", "system"],
)
async def test_details_of_every_kind_are_kept(line: Any, content: dict[str, Any]) -> None:
    await line.hears(line.message(TENANT, content=content))

    (message,) = await line.messages()
    assert message["content_type"] == content["type"]
    assert msgspec.json.decode(message["details"]) == content


async def test_a_batch_costs_the_same_statements_whatever_its_size(line: Any) -> None:
    async def cost(size: int, at: int) -> int:
        line.statements.clear()
        await line.hears(
            *(line.message(TENANT, chat=f"{n // 3}", external=f"{n // 3}@c.us", at=at) for n in range(size))
        )
        return len(line.statements)

    assert await cost(3, 0) == 6  # hold, chats, known already? known by address? add, begin
    assert await cost(300, 1) == 7  # and keep, for those that were there
    assert await cost(3, 2) == await cost(300, 3) == 4  # hold, chats, add, keep
