"""Chats and messages as people and programs see them: the whole service over ASGI, on a real database."""

from typing import Any

import pytest
from kernel.ids import new_id
from testkit.serving import a_caller

TENANT = "00000000-0000-7000-8000-00000000000a"
PROJECT = "00000000-0000-7000-8000-00000000000f"
ANA = a_caller(TENANT, PROJECT)
STRANGER = a_caller(new_id(), PROJECT)

MESSAGE_FIELDS = {
    "id", "tenant_id", "project_id", "version", "created_at", "updated_at", "chat_id", "session_id", "contact_id", "channel_id",
    "channel_type", "direction", "from_me", "sender", "agent_id", "content_type", "text", "media", "location", "contacts", "poll",
    "list", "buttons", "template", "interactive_reply", "reply_to_id", "quoted", "forwarded", "mentions", "reactions", "status",
    "waiting", "failure", "late_ack", "source", "external_id", "retry_of_id", "language", "enrichment", "metadata", "sequence", "timestamp",
    "received_at", "scheduled_at", "sent_at", "delivered_at", "read_at", "played_at", "failed_at", "edited_at", "revoked_at",
    "unsupported_kind",
}  # fmt: skip
CHAT_FIELDS = {
    "id", "tenant_id", "project_id", "version", "created_at", "updated_at", "channel_id", "channel_type", "chat_type", "external_id",
    "contact_id", "subject", "description", "participants", "status", "label_ids", "unread_count", "metadata", "last_message_at",
    "last_message", "window_closes_at",
}  # fmt: skip


async def texts(door: Any, query: str = "", caller: Any = ANA) -> list[str]:
    """Return the texts of a list of messages."""
    return [message["text"] for message in (await door.ask(f"/crm/messages{query}", caller))["data"]]


async def pages_of(door: Any, path: str) -> list[str]:
    """Return the ids of all pages of a list, two a page."""
    found: list[str] = []
    query = "limit=2"
    while True:
        page = await door.ask(f"{path}&{query}")
        found += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            return found
        query = f"limit=2&cursor={page['next_cursor']}"


async def test_a_message_is_read_with_all_its_fields(door: Any, a_message: Any) -> None:
    await door.hears(a_message(TENANT, "A", text="first"), a_message(TENANT, "B", at=1, text="second", reply_to="A"))
    newest, oldest = (await door.ask("/crm/messages"))["data"]

    answer = await door.served.ask(ANA, "GET", f"/crm/messages/{newest['id']}")

    body = answer.json()
    assert body == newest
    assert set(body) == MESSAGE_FIELDS
    assert answer.headers["ETag"] == '"1"'
    assert (body["text"], body["sequence"], body["external_id"]) == ("second", 2, "B")
    assert body["sender"] == {"kind": "contact", "id": body["contact_id"], "name": "Ana"}
    assert body["quoted"] == {"id": oldest["id"], "text": "first", "content_type": "text"}
    assert (body["reply_to_id"], body["from_me"], body["source"], body["reactions"]) == (oldest["id"], False, None, [])


async def test_a_chat_is_read_with_all_its_fields(door: Any, a_message: Any) -> None:
    await door.hears(a_message(TENANT, text="hi"), a_message(TENANT, at=1, text="hello", from_me=True))
    (listed,) = (await door.ask("/crm/chats"))["data"]

    body = await door.ask(f"/crm/chats/{listed['id']}")

    assert body == listed
    assert set(body) == CHAT_FIELDS
    assert (body["chat_type"], body["external_id"], body["unread_count"]) == ("individual", "12025550143@c.us", 1)
    assert (body["last_message"]["text"], body["last_message"]["from_me"]) == ("hello", True)
    assert [participant["id"] for participant in body["participants"]] == [body["contact_id"]]


async def test_messages_are_filtered(door: Any, a_message: Any, an_ack: Any) -> None:
    session, media = new_id(), {"media_id": new_id(), "mime_type": "image/jpeg", "file_name": "a.jpg"}
    other_channel, other_contact = new_id(), new_id()
    await door.hears(
        a_message(TENANT, "A", text="in", session=session),
        a_message(TENANT, "B", text="out", at=1, from_me=True),
        a_message(TENANT, "C", at=2, content={"type": "image", "text": "picture", "media": media}),
        a_message(TENANT, "D", text="elsewhere", at=3, chat="two", external="2@c.us", channel=other_channel),
        a_message(TENANT, "E", text="other", at=4, chat="three", external="3@c.us", contact=other_contact),
    )
    await door.hears(an_ack(TENANT, "B", 3))
    by_text = {message["text"]: message for message in (await door.ask("/crm/messages"))["data"]}

    assert list(by_text) == ["other", "elsewhere", "picture", "out", "in"]
    assert await texts(door, f"?chat_id={by_text['in']['chat_id']}&sort=timestamp") == ["in", "out", "picture"]
    assert await texts(door, f"?session_id={session}") == ["in"]
    assert await texts(door, f"?contact_id={other_contact}") == ["other"]
    assert await texts(door, f"?channel_id={other_channel}") == ["elsewhere"]
    assert await texts(door, "?external_id=C") == ["picture"]
    assert await texts(door, "?direction=outbound") == await texts(door, "?from_me=true") == ["out"]
    assert await texts(door, "?content_type=image,video") == await texts(door, "?has_media=true") == ["picture"]
    assert await texts(door, "?status=read") == await texts(door, "?source=phone") == ["out"]
    assert await texts(door, "?timestamp_after=2026-11-21T12:03:00Z") == ["other", "elsewhere"]
    assert await texts(door, "?timestamp_before=2026-11-21T09:01:00-03:00") == ["in"]
    assert (await door.ask("/crm/messages?include=total_count&limit=1"))["total_count"] == 5
    assert by_text["picture"]["media"] == {
        "media_id": media["media_id"],
        "url": None,
        "mimetype": "image/jpeg",
        "filename": "a.jpg",
        "size_bytes": None,
        "duration_seconds": None,
        "state": "pending",
    }


@pytest.mark.parametrize("direction", ["", "-"])
async def test_pages_of_a_chat_follow_each_other_also_within_one_second(
    door: Any, a_message: Any, direction: str
) -> None:
    await door.hears(*(a_message(TENANT, at=number // 4, text=str(number)) for number in range(9)))

    pages = await pages_of(door, f"/crm/messages?sort={direction}timestamp")
    whole = (await door.ask(f"/crm/messages?sort={direction}timestamp"))["data"]

    assert pages == [message["id"] for message in whole]
    assert [message["sequence"] for message in whole] == (list(range(9, 0, -1)) if direction else list(range(1, 10)))


async def test_chats_are_filtered_and_sorted(door: Any, a_message: Any, an_ack: Any) -> None:
    contact = new_id()
    await door.hears(
        a_message(TENANT, "A", chat="one", external="1@c.us", at=10),
        a_message(TENANT, chat="two", external="2@c.us", at=90, contact=contact),
        a_message(TENANT, chat="three", external="3@g.us", at=5, chat_type="group"),
    )
    await door.hears(an_ack(TENANT, "A", 3, from_me=False))

    async def addresses(query: str) -> list[str]:
        return [chat["external_id"] for chat in (await door.ask(f"/crm/chats{query}"))["data"]]

    assert await addresses("") == ["2@c.us", "1@c.us", "3@g.us"]
    assert await addresses("?sort=last_message_at") == ["3@g.us", "1@c.us", "2@c.us"]
    assert len(await addresses("?sort=-created_at")) == 3
    assert await addresses(f"?contact_id={contact}") == ["2@c.us"]
    assert await addresses("?chat_type=group") == ["3@g.us"]
    assert await addresses("?unread=false") == ["1@c.us"]
    assert await addresses("?unread=true") == ["2@c.us", "3@g.us"]
    assert await addresses("?status=archived,closed") == []
    assert await addresses("?last_message_after=2026-11-21T13:00:00Z") == ["2@c.us"]
    assert await addresses(f"?channel_id={new_id()}") == []
    assert len(await pages_of(door, "/crm/chats?sort=-last_message_at")) == 3


@pytest.mark.parametrize(
    ("content", "field", "shown"),
    [
        (
            {"type": "location", "latitude": 1.5, "longitude": -2.25, "title": "here"},
            "location",
            {"latitude": 1.5, "longitude": -2.25, "title": "here"},
        ),
        ({"type": "contact", "contacts": [{"full_name": "Bia"}]}, "contacts", [{"full_name": "Bia"}]),
        (
            {"type": "poll", "name": "when?", "options": ["now"]},
            "poll",
            {"name": "when?", "options": [{"text": "now", "votes": 0}]},
        ),
        ({"type": "list", "title": "menu", "text": "choose"}, "list", {"title": "menu", "text": "choose"}),
        (
            {"type": "text", "text": "Two", "interactive_reply": {"kind": "list", "selected_id": "2"}},
            "interactive_reply",
            {"kind": "list", "selected_id": "2"},
        ),
        ({"type": "hologram", "text": "wave"}, "unsupported_kind", "hologram"),
    ],
    ids=["location", "contact", "poll", "list", "interactive reply", "unsupported"],
)
async def test_each_kind_shows_its_details(
    door: Any, a_message: Any, content: dict[str, Any], field: str, shown: Any
) -> None:
    await door.hears(a_message(TENANT, content=content))

    (message,) = (await door.ask("/crm/messages"))["data"]

    assert message[field] == shown


async def test_a_failure_and_a_late_receipt_are_shown(door: Any, a_message: Any, an_ack: Any) -> None:
    await door.hears(a_message(TENANT, "A", from_me=True))
    await door.hears(an_ack(TENANT, "A", -1), an_ack(TENANT, "A", 2))

    (message,) = (await door.ask("/crm/messages?status=failed"))["data"]

    assert message["failure"]["code"] == "acked_error"
    assert message["late_ack"]["status"] == "delivered"


async def test_another_tenant_sees_nothing(door: Any, a_message: Any) -> None:
    await door.hears(a_message(TENANT))
    (message,) = (await door.ask("/crm/messages"))["data"]

    assert await texts(door, caller=STRANGER) == []
    assert (await door.ask("/crm/chats", STRANGER))["data"] == []
    for path in (f"/crm/messages/{message['id']}", f"/crm/chats/{message['chat_id']}"):
        assert (await door.served.ask(STRANGER, "GET", path)).status_code == 404
    assert await texts(door, f"?chat_id={message['chat_id']}", STRANGER) == []


@pytest.mark.parametrize(
    "path",
    [
        "/crm/messages?agent=me",
        "/crm/messages?sort=text",
        "/crm/messages?status=lost",
        "/crm/messages/1",
        "/crm/chats?label_id=1",
        "/crm/chats?sort=subject",
        "/crm/chats?cursor=abc",
    ],
)
async def test_what_the_lists_do_not_know_is_refused(door: Any, path: str) -> None:
    assert (await door.served.ask(ANA, "GET", path)).status_code == 400
