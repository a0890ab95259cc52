"""What people see and do about messages that they sent: withdraw, try again, look back, tell what became of them."""

from typing import Any

import messaging_events as heard
from kernel.ids import new_id
from messaging_sending import AGENT, BOB, CHAT_KEY, COLLEAGUE, HELLO, TENANT, refused, sent
from testkit.serving import a_caller


async def test_a_queued_message_is_withdrawn_once_the_gateway_says_so(shop: Any) -> None:
    message = (await sent(shop))["message_id"]

    first = await shop.post(f"/crm/messages/{message}/cancel", None, BOB)
    again = await shop.post(f"/crm/messages/{message}/cancel", None, BOB)

    assert (first.status_code, first.json()["status"], again.status_code) == (202, "queued", 202)
    assert first.headers["Location"].endswith(message)
    (asked,) = await shop.said("message.cancel_requested")
    assert (asked.data.message_id, asked.actor, asked.partitionkey) == (message, f"user:{BOB.subject}", CHAT_KEY)
    await shop.hears(heard.failed(TENANT, message, "cancelled"))
    assert (await shop.ask(f"/crm/messages/{message}"))["status"] == "cancelled"
    late = await shop.post(f"/crm/messages/{message}/cancel", None, BOB)
    assert (late.status_code, late.json()["current_state"]) == (409, "cancelled")


async def test_others_messages_are_withdrawn_by_supervisors_only(shop: Any) -> None:
    message = (await sent(shop))["message_id"]

    assert (await refused(shop, None, COLLEAGUE, f"/crm/messages/{message}/cancel"))["status"] == 403
    supervisor = a_caller(TENANT, heard.PROJECT, agent_id=new_id(), role="supervisor")
    assert (await shop.post(f"/crm/messages/{message}/cancel", None, supervisor)).status_code == 202


async def test_what_is_out_or_theirs_cannot_be_withdrawn(shop: Any) -> None:
    (theirs,) = (await shop.ask("/crm/messages"))["data"]
    message = (await sent(shop))["message_id"]
    await shop.hears(heard.sent(TENANT, message, "P1"))

    for one, state in ((message, "sent"), (theirs["id"], "received")):
        problem = await refused(shop, None, BOB, f"/crm/messages/{one}/cancel")
        assert (problem["status"], problem["code"], problem["current_state"]) == (409, "invalid_state", state)


async def test_a_failed_message_is_tried_again_as_a_new_one(shop: Any) -> None:
    (theirs,) = (await shop.ask("/crm/messages"))["data"]
    body = {**HELLO, "reply_to_id": theirs["id"], "metadata": {"order": 1}}
    message = (await sent(shop, body))["message_id"]
    assert (await refused(shop, None, BOB, f"/crm/messages/{message}/retry"))["current_state"] == "queued"
    await shop.hears(heard.failed(TENANT, message))

    answer = await shop.post(f"/crm/messages/{message}/retry", None, COLLEAGUE)

    assert answer.status_code == 202
    shown = await shop.ask(f"/crm/messages/{answer.json()['message_id']}")
    assert (shown["retry_of_id"], shown["text"], shown["metadata"]) == (message, HELLO["text"], {"order": 1})
    assert (shown["reply_to_id"], shown["sender"]["id"]) == (theirs["id"], COLLEAGUE.agent_id)
    old = await shop.ask(f"/crm/messages/{message}")
    assert (old["status"], old["failure"]["code"]) == ("failed", "not_on_whatsapp")
    assert [step["step"] for step in (await shop.ask(f"/crm/messages/{message}/history"))["data"]] == [
        "queued",
        "failed",
        "retried",
    ]


async def test_the_history_of_a_message_tells_each_step_with_its_event(shop: Any) -> None:
    message = (await sent(shop))["message_id"]
    await shop.hears(heard.unresolved(TENANT, message))
    await shop.hears(heard.sent(TENANT, message, "P1", evidence="history"))
    await shop.hears(heard.ack(TENANT, "P1", 2))

    history = await shop.ask(f"/crm/messages/{message}/history")

    said = {event.id: event.type for event in await shop.said("message.")}
    assert [(step["step"], said[step["event_id"]]) for step in history["data"]] == [
        ("queued", "message.send_requested.v1"),
        ("unknown", "message.unresolved.v1"),
        ("sent", "message.sent.v1"),
        ("delivered", "message.delivered.v1"),
    ]
    assert history["data"][2]["detail"] == {"evidence": "history", "attempts": 1}
    assert history["has_more"] is False


async def test_what_came_on_the_line_has_a_history_too(door: Any) -> None:
    await door.hears(heard.message(TENANT, "A"), heard.message(TENANT, "B", from_me=True))

    for message in (await door.ask("/crm/messages"))["data"]:
        (first,) = (await door.ask(f"/crm/messages/{message['id']}/history"))["data"]
        step = "sent" if message["from_me"] else "received"
        assert (first["step"], first["at"]) == (step, "2026-11-21T12:00:00.000Z")


TOLD: list[tuple[str, Any, str]] = [
    ("unresolved", {"status": "sent"}, "sent"),
    ("unresolved", {}, "delivered"),
    ("unresolved", {"status": "failed", "failure_reason": "she got nothing"}, "failed"),
    ("sent", {"status": "read", "occurred_at": "2026-11-21T12:30:00Z"}, "read"),
    ("read", {"status": "delivered"}, "read"),
    ("failed", {"status": "delivered"}, "failed"),
]


async def test_a_person_tells_what_became_of_a_message(shop: Any) -> None:
    for before, said, status in TOLD:
        message = await _brought_to(shop, before)
        told = len(await shop.said("message.sent"))

        answer = await shop.post(f"/crm/messages/{message}/mark-delivered", said, BOB)

        assert (answer.status_code, answer.json()["status"]) == (200, status), said
        assert (answer.json()["late_ack"] is not None) is (before == "failed")
        newly_sent = before == "unresolved" and status != "failed"
        assert len(await shop.said("message.sent")) == told + newly_sent


async def test_a_person_cannot_tell_what_cannot_be(shop: Any) -> None:
    for before, said in (("queued", {"status": "sent"}), ("read", {"status": "failed"})):
        message = await _brought_to(shop, before)

        problem = await refused(shop, said, BOB, f"/crm/messages/{message}/mark-delivered")

        assert (problem["status"], problem["code"]) == (409, "invalid_state")


async def test_the_name_that_a_person_tells_lets_receipts_find_the_message(shop: Any) -> None:
    message = await _brought_to(shop, "unresolved")
    await shop.hears(heard.ack(TENANT, "P7", 3))

    answer = await shop.post(f"/crm/messages/{message}/mark-delivered", {"external_id": "P7"}, BOB)

    assert (answer.json()["status"], answer.json()["external_id"]) == ("read", "P7")


async def test_messages_are_filtered_by_what_became_of_them(shop: Any) -> None:
    failed, queued = await _brought_to(shop, "failed"), await _brought_to(shop, "queued")

    async def ids(query: str) -> list[str]:
        return [message["id"] for message in (await shop.ask(f"/crm/messages?{query}"))["data"]]

    assert await ids("status=failed") == [failed]
    assert await ids("source=manual&direction=outbound&sort=timestamp") == [failed, queued]
    assert await ids("status=queued,unknown") == [queued]
    assert await ids(f"agent_id={AGENT}&status=queued") == await ids("agent_id=me&status=queued") == [queued]
    assert await ids(f"agent_id={new_id()}") == []


async def _brought_to(door: Any, status: str) -> str:
    message: str = (await sent(door))["message_id"]
    name = f"P{message}"
    match status:
        case "unresolved":
            await door.hears(heard.unresolved(TENANT, message))
        case "failed":
            await door.hears(heard.failed(TENANT, message))
        case "sent":
            await door.hears(heard.sent(TENANT, message, name))
        case "read":
            await door.hears(heard.sent(TENANT, message, name))
            await door.hears(heard.ack(TENANT, name, 3))
    return message
