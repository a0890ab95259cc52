"""Sending as people and programs see it: the whole service over ASGI, on a real database."""

import asyncio
from dataclasses import replace
from typing import Any

import messaging_events as heard
from kernel.ids import new_id
from messaging_sending import AGENT, BOB, CHAT_KEY, ELSEWHERE, HELLO, PROGRAM, STRANGER, TENANT, refused, sent
from testkit.serving import a_caller


async def test_a_message_is_taken_and_requested_in_one_go(shop: Any) -> None:
    answer = await shop.post("/crm/messages", {**HELLO, "metadata": {"order": 1042}}, BOB)

    body = answer.json()
    (requested,) = await shop.said("message.send_requested")
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/api/v1/crm/messages/{body['message_id']}")
    assert body == {
        "message_id": requested.data.message_id,
        "chat_id": requested.data.chat_id,
        "session_id": None,
        "external_id": None,
        "status": "queued",
        "scheduled_at": None,
        "sent_at": None,
        "error": None,
        "waiting": None,
    }
    assert (requested.data.sender.kind, requested.data.sender.id, requested.data.source) == ("agent", AGENT, "manual")
    assert (requested.data.priority, requested.data.first_contact) == ("high", False)
    assert requested.data.to.external_chat_id == heard.ANAS_ADDRESS
    assert (requested.actor, requested.tenantid, requested.projectid) == (f"user:{BOB.subject}", TENANT, heard.PROJECT)
    shown = await shop.ask(f"/crm/messages/{body['message_id']}", BOB)
    assert (shown["status"], shown["text"], shown["metadata"]) == ("queued", HELLO["text"], {"order": 1042})
    assert shown["sender"] == {"kind": "agent", "id": AGENT, "name": None}
    assert (shown["agent_id"], shown["source"], shown["waiting"], shown["sequence"]) == (AGENT, "manual", None, 2)
    chat = await shop.ask(f"/crm/chats/{body['chat_id']}", BOB)
    assert (chat["last_message"]["text"], chat["last_message"]["from_me"]) == (HELLO["text"], True)


async def test_an_answer_quotes_a_message_of_its_chat(shop: Any) -> None:
    (theirs,) = (await shop.ask("/crm/messages"))["data"]
    body = {"chat_id": theirs["chat_id"], "content_type": "text", "text": "yes", "reply_to_id": theirs["id"]}

    answer = await sent(shop, body)

    (requested,) = await shop.said("message.send_requested")
    assert (requested.data.reply_to_provider_id, requested.data.contact_id) == ("THEIRS", heard.ANA)
    shown = await shop.ask(f"/crm/messages/{answer['message_id']}")
    assert shown["quoted"] == {"id": theirs["id"], "text": "any left?", "content_type": "text"}


async def test_a_repeat_with_the_same_key_is_the_same_message(shop: Any) -> None:
    first = await sent(shop, Idempotency_Key="order-1042")
    again = await shop.post("/crm/messages", HELLO, BOB, Idempotency_Key="order-1042")
    other = await shop.post("/crm/messages", {**HELLO, "text": "else"}, BOB, Idempotency_Key="order-1042")

    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (202, first, "true")
    assert again.headers["Location"].endswith(first["message_id"])
    assert other.json()["code"] == "idempotency_key_reused"
    assert len(await shop.said("message.send_requested")) == 1


async def test_what_comes_together_is_queued_in_order_and_a_refusal_is_one_alone(shop: Any) -> None:
    bodies = [{**HELLO, "text": f"number {number}"} for number in range(6)]
    bodies[3] = {"chat_id": new_id(), "content_type": "text", "text": "to nobody"}

    answers = await asyncio.gather(
        *(
            shop.post("/crm/messages", body, BOB, Idempotency_Key=f"order-{number}")
            for number, body in enumerate(bodies)
        )
    )

    assert [answer.status_code for answer in answers] == [202, 202, 202, 404, 202, 202]
    requested = [event.data.message_id for event in await shop.said("message.send_requested")]
    taken = [answer.json()["message_id"] for answer in answers if answer.status_code == 202]
    assert sorted(requested) == sorted(taken)
    shown = [await shop.ask(f"/crm/messages/{message_id}", BOB) for message_id in requested]
    assert [message["sequence"] for message in shown] == [2, 3, 4, 5, 6]
    again = await shop.post("/crm/messages", bodies[3], BOB, Idempotency_Key="order-3")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (404, "true")


async def test_programs_come_after_people_and_may_say_otherwise(shop: Any) -> None:
    await sent(shop, caller=PROGRAM)
    await sent(shop, {**HELLO, "priority": "low"})

    assert [event.data.priority for event in await shop.said("message.send_requested")] == ["normal", "low"]


async def test_whoever_is_nobodys_agent_speaks_as_the_system(shop: Any) -> None:
    await sent(shop, caller=replace(PROGRAM, agent_id=None))

    (requested,) = await shop.said("message.send_requested")
    assert (requested.data.sender.kind, requested.data.sender.id[-2:]) == ("system", "99")


async def test_its_time_and_its_session_go_along(shop: Any) -> None:
    session = new_id()
    await shop.hears(heard.session_started(TENANT, session, chat=CHAT_KEY))

    answer = await sent(shop, {**HELLO, "expires_in_seconds": 60})

    (requested,) = await shop.said("message.send_requested")
    assert (requested.data.expires_at - requested.data.queued_at).total_seconds() == 60
    assert answer["session_id"] == requested.data.session_id == session
    assert (await sent(shop, {**HELLO, "session_id": session}))["session_id"] == session
    problem = await refused(shop, {**HELLO, "session_id": new_id()})
    assert (problem["code"], problem["rule"], problem["errors"][0]["pointer"]) == (
        "rule_violated",
        "session",
        "/session_id",
    )


async def test_a_channel_that_is_away_queues_and_says_so(shop: Any) -> None:
    for version, status in enumerate(["disconnected", "connecting", "activating"], start=2):
        await shop.hears(heard.channel_status(TENANT, status, version=version))
        answer = await sent(shop)
        assert answer["waiting"]["code"] == "channel_disconnected", status
        assert (await shop.ask(f"/crm/messages/{answer['message_id']}"))["waiting"] == answer["waiting"]

    await shop.hears(heard.channel_status(TENANT, "activated", version=5))
    assert (await shop.ask(f"/crm/messages/{answer['message_id']}"))["waiting"] is None


async def test_a_channel_that_is_off_refuses(shop: Any) -> None:
    for version, status in enumerate(["inactive", "error"], start=2):
        await shop.hears(heard.channel_status(TENANT, status, version=version))
        problem = await refused(shop, HELLO)
        assert (problem["status"], problem["code"], problem["current_state"]) == (409, "invalid_state", status)


async def test_a_project_that_rests_refuses_and_what_was_queued_says_that_it_waits(shop: Any) -> None:
    queued = await sent(shop)
    path = f"/crm/messages/{queued['message_id']}"
    await shop.hears(heard.project(TENANT, "deactivated", version=4))
    problem = await refused(shop, HELLO)
    assert (problem["status"], problem["code"], problem["current_state"]) == (409, "invalid_state", "inactive")
    waiting = (await shop.ask(path))["waiting"]
    assert waiting["code"] == "channel_disconnected" and "project rests" in waiting["detail"]

    await shop.hears(heard.project(TENANT, "activated", version=3))
    await refused(shop, HELLO)
    await shop.hears(heard.project(TENANT, "activated", version=5))
    assert (await sent(shop))["waiting"] is None and (await shop.ask(path))["waiting"] is None
    await shop.hears(heard.project(TENANT, "deleted", version=6))
    await refused(shop, HELLO)


async def test_a_closed_chat_refuses_and_the_contact_gets_a_new_one(shop: Any) -> None:
    (theirs,) = (await shop.ask("/crm/messages"))["data"]
    await shop.served.administrator.execute("update messaging.chats set status = 'closed'")

    problem = await refused(shop, {"chat_id": theirs["chat_id"], "content_type": "text", "text": "hi"})

    assert (problem["code"], problem["current_state"]) == ("invalid_state", "closed")
    assert (await sent(shop))["chat_id"] != theirs["chat_id"]


async def test_a_closed_window_refuses(shop: Any) -> None:
    await shop.hears(heard.channel(TENANT, version=2, window=1, changed=True))
    await shop.served.administrator.execute(
        "update messaging.chats set last_inbound_at = now() - interval '61 minutes'"
    )

    assert (await refused(shop, HELLO))["code"] == "window_closed"
    await shop.served.administrator.execute(
        "update messaging.chats set last_inbound_at = now() - interval '59 minutes'"
    )
    answer = await sent(shop)
    (requested,) = await shop.said("message.send_requested")
    assert (requested.data.expires_at - requested.data.queued_at).total_seconds() < 61
    assert (await shop.ask(f"/crm/chats/{answer['chat_id']}"))["window_closes_at"] is not None


async def test_who_wants_no_advertising_gets_no_bulk_but_answers(shop: Any) -> None:
    await shop.hears(heard.contact(TENANT, version=2, opted_out=True, changed=True))

    problem = await refused(shop, {**HELLO, "priority": "low"})

    assert (problem["status"], problem["code"], problem["rule"]) == (422, "rule_violated", "opted_out")
    await sent(shop)


async def test_who_has_no_address_cannot_be_written_to(shop: Any) -> None:
    await shop.hears(heard.contact(TENANT, "00000000-0000-7000-8000-0000000000b1"))

    problem = await refused(shop, {**HELLO, "contact_id": "00000000-0000-7000-8000-0000000000b1"})

    assert (problem["code"], problem["rule"]) == ("rule_violated", "no_address")


async def test_without_a_channel_two_that_work_are_ambiguous(shop: Any) -> None:
    second, bea = new_id(), new_id()
    await shop.hears(heard.channel(TENANT, second))
    await shop.hears(heard.contact(TENANT, bea, phone="+12025550144"))

    assert (await refused(shop, {**HELLO, "contact_id": bea}))["code"] == "ambiguous_channel"
    await sent(shop, {**HELLO, "contact_id": bea, "channel_id": second})
    await sent(shop, {**HELLO, "contact_id": bea})
    assert [event.data.channel_id for event in await shop.said("message.send_requested")] == [second, second]


BAD_INPUT: list[tuple[Any, str, str]] = [
    ({"content_type": "text", "text": "hi"}, "/contact_id", "missing"),
    ({**HELLO, "chat_id": new_id()}, "/contact_id", "not_allowed"),
    (
        {"chat_id": new_id(), "channel_id": new_id(), "content_type": "text", "text": "x"},
        "/channel_id",
        "not_allowed",
    ),
    ({"contact_id": heard.ANA, "text": "hi"}, "/content_type", "missing"),
    ({**HELLO, "content_type": "hologram"}, "/content_type", "not_in_enum"),
    ({"contact_id": heard.ANA, "content_type": "text"}, "/text", "missing"),
    ({**HELLO, "text": " \n"}, "/text", "too_short"),
    ({**HELLO, "text": "x" * 4097}, "/text", "too_long"),
    ({**HELLO, "text": 5}, "/text", "wrong_type"),
    ({**HELLO, "text": "a\u0000b"}, "/text", "bad_format"),
    ({**HELLO, "media": {"media_id": new_id()}}, "/media", "not_allowed"),
    ({**HELLO, "contact_id": "ana"}, "/contact_id", "bad_format"),
    ({**HELLO, "expires_in_seconds": 59}, "/expires_in_seconds", "out_of_range"),
    ({**HELLO, "expires_in_seconds": 604_801}, "/expires_in_seconds", "out_of_range"),
    ({**HELLO, "priority": "urgent"}, "/priority", "not_in_enum"),
    ({**HELLO, "metadata": {"a": "x" * 4096}}, "/metadata", "too_long"),
    ({**HELLO, "metadata": []}, "/metadata", "wrong_type"),
    ({**HELLO, "to": "+1"}, "/to", "unknown_field"),
]


async def test_bad_input_names_the_field(shop: Any) -> None:
    for body, pointer, code in BAD_INPUT:
        problem = await refused(shop, body)

        assert (problem["status"], problem["code"]) == (400, "validation_failed"), body
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)], body


NOT_YET: list[tuple[Any, str, str]] = [
    ({"content_type": "image", "media": {"media_id": new_id()}}, "not_supported_by_channel", "/content_type"),
    ({"content_type": "poll", "poll": {"name": "?"}}, "not_supported_by_channel", "/content_type"),
    ({"scheduled_at": "2027-01-01T09:00:00Z"}, "rule_violated", "/scheduled_at"),
    ({"variables": {"name": "Ana"}}, "rule_violated", "/variables"),
    ({"mentions": ["all"]}, "rule_violated", "/mentions"),
]


async def test_what_cannot_be_done_yet_is_refused_clearly(shop: Any) -> None:
    for more, code, pointer in NOT_YET:
        problem = await refused(shop, {**HELLO, **more})

        assert (problem["status"], problem["code"], problem["errors"][0]["pointer"]) == (422, code, pointer)
        assert "yet" in problem["detail"]


async def test_what_does_not_exist_is_not_found_and_named(shop: Any) -> None:
    for field in ("contact_id", "chat_id", "channel_id"):
        body = {"content_type": "text", "text": "hi", "contact_id": heard.ANA, field: new_id()}
        if field == "chat_id":
            del body["contact_id"]

        problem = await refused(shop, body)

        assert (problem["status"], problem["code"], problem["errors"][0]["pointer"]) == (404, "not_found", f"/{field}")


async def test_a_quote_of_another_chat_or_of_what_was_not_sent_is_refused(shop: Any) -> None:
    first = await sent(shop)
    for reply_to in (new_id(), first["message_id"]):
        assert (await refused(shop, {**HELLO, "reply_to_id": reply_to}))["code"] == "not_supported_by_channel"


async def test_another_tenant_or_project_reaches_nothing_of_ours(shop: Any) -> None:
    message = (await sent(shop))["message_id"]
    (theirs,) = (await shop.ask("/crm/messages?direction=inbound"))["data"]
    answer = {"chat_id": theirs["chat_id"], "content_type": "text", "text": "hi"}
    actions = [("cancel", None), ("retry", None), ("mark-delivered", {})]

    for caller in (STRANGER, ELSEWHERE):
        assert (await refused(shop, HELLO, caller))["status"] == 404
        assert (await refused(shop, answer, caller))["status"] == 404
        for action, body in actions:
            assert (await refused(shop, body, caller, f"/crm/messages/{message}/{action}"))["status"] == 404
    assert (await shop.served.ask(STRANGER, "GET", f"/crm/messages/{message}/history")).status_code == 404


async def test_a_viewer_sends_nothing(shop: Any) -> None:
    problem = await refused(shop, HELLO, a_caller(TENANT, heard.PROJECT, role="viewer"))
    assert (problem["status"], problem["required"]) == (403, "messages.send")
