"""What becomes of sends, on a real database: forward only, by whatever evidence comes, told once, in any order."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import messaging_events as heard
import pytest
from contracts.bundles import alone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.errors import DomainError
from kernel.ids import new_id
from messaging.domain.status import ACCEPTED, RANKS, STATUSES, may_become
from outbox.inbox import Inbox

TENANT = "00000000-0000-7000-8000-00000000000a"
OTHER = "00000000-0000-7000-8000-00000000000b"
CHAT_KEY = f"{heard.CHANNEL}:{heard.ANA}"


async def a_queued_message(line: Any, tenant: str = TENANT, message_id: str = "") -> str:
    """Return the id of a message that is queued in Ana's chat."""
    await line.hears(heard.channel(tenant))
    await line.hears(heard.contact(tenant, identities=(("wa_pn", heard.ANAS_ADDRESS, heard.CHANNEL),)))
    said = await line.hears(heard.compose(tenant, message_id))
    found: str = said[-1].data.message_id
    return found


async def row_of(line: Any, message_id: str, tenant: str = TENANT) -> Any:
    """Return the row of a message."""
    rows = await line.messages()
    return next(row for row in rows if row["message_id"] == message_id and row["tenant"] == tenant)


def types(said: list[Any]) -> list[str]:
    return [event.type.removeprefix("message.").removesuffix(".v1") for event in said]


async def test_the_way_of_a_message_from_queued_to_played(line: Any) -> None:
    message = await a_queued_message(line)

    said = await line.hears(heard.sent(TENANT, message, "P1", at=1))
    for level in (2, 3, 4):
        said += await line.hears(heard.ack(TENANT, "P1", level, at=level))

    row = await row_of(line, message)
    assert types(said) == ["sent", "delivered", "read", "played"]
    assert (said[0].data.provider_message_id, said[0].data.sender.kind, said[0].data.origin) == ("P1", "system", "live")
    assert bytes(said[0].data.content) == b'{"text": "We open at nine.", "type": "text"}'
    assert said[1].data.previous_status == "sent"
    assert {event.partitionkey for event in said} == {CHAT_KEY}
    assert (row["status"], row["provider_message_id"], row["sent_at"]) == (
        "played",
        "P1",
        line.noon + timedelta(minutes=1),
    )
    assert row["provider_message_ref"].endswith("P1")
    assert await line.steps(message) == ["queued", "sent", "delivered", "read", "played"]


async def test_receipts_that_come_before_the_answer_wait_for_it(line: Any) -> None:
    message = await a_queued_message(line)
    assert await line.hears(heard.ack(TENANT, "P1", 2, at=1), heard.ack(TENANT, "P1", 3, at=2)) == []

    said = await line.hears(heard.sent(TENANT, message, "P1", at=3))

    assert types(said) == ["sent", "delivered", "read"]
    assert (await row_of(line, message))["status"] == "read"
    assert await line.waiting() == 0


async def test_a_receipt_beside_an_answer_on_its_way_is_not_lost(line: Any) -> None:
    """Neither transaction sees what the other has not committed: without the lock the receipt would wait for ever."""
    from messaging.bootstrap import work_of
    from messaging.entrypoints.events.on_channel_message_sent import on_channel_message_sent

    message = await a_queued_message(line)
    async with line.works.begin([TENANT]) as work:
        await on_channel_message_sent([heard.sent(TENANT, message, "P1")], work_of(work))
        receipt = asyncio.create_task(line.hears(heard.ack(TENANT, "P1", 2)))
        await asyncio.sleep(0.3)
        assert not receipt.done(), "it waits until it can know"

    assert types(await receipt) == ["delivered"]
    assert await line.waiting() == 0


async def test_an_answer_that_quotes_a_message_finds_it_when_it_has_a_name(line: Any) -> None:
    message = await a_queued_message(line)
    await line.hears(heard.message(TENANT, "ANSWER", chat=CHAT_KEY, at=5, reply_to="P1"))
    await line.hears(heard.sent(TENANT, message, "P1"))

    (answer,) = [row for row in await line.messages() if row["provider_message_id"] == "ANSWER"]
    assert answer["reply"] == message


async def test_an_unknown_outcome_is_shown_and_resolved_by_evidence(line: Any) -> None:
    message = await a_queued_message(line)

    (unresolved,) = await line.hears(heard.unresolved(TENANT, message))
    row = await row_of(line, message)
    said = await line.hears(heard.sent(TENANT, message, "P1", evidence="history"))

    assert (unresolved.type, unresolved.data.detail) == (
        "message.unresolved.v1",
        "the connection broke after the request was written",
    )
    assert row["status"] == "unknown"
    assert types(said) == ["sent"]
    assert await line.steps(message) == ["queued", "unknown", "sent"]


async def test_a_receipt_for_the_reserved_name_is_evidence(line: Any) -> None:
    message = await a_queued_message(line)
    await line.hears(heard.unresolved(TENANT, message, reserved="R1"))

    said = await line.hears(heard.ack(TENANT, "R1", 2))
    said += await line.hears(heard.sent(TENANT, message, "R1", evidence="ack"))

    assert types(said) == ["sent", "delivered"], "told once that it was sent, whichever proof came first"
    assert (await row_of(line, message))["status"] == "delivered"


async def test_an_unknown_outcome_may_turn_out_as_failed(line: Any) -> None:
    message = await a_queued_message(line)
    await line.hears(heard.unresolved(TENANT, message))
    (failed,) = await line.hears(heard.failed(TENANT, message, "provider_error"))

    assert (failed.type, failed.data.code, failed.data.retryable) == ("message.failed.v1", "provider_error", False)
    assert (await row_of(line, message))["status"] == "failed"


async def test_a_refusal_is_stored_with_its_reason_and_a_late_receipt_beside_it(line: Any) -> None:
    message = await a_queued_message(line)
    said = await line.hears(heard.failed(TENANT, message, at=2, permanent=False))
    said += await line.hears(heard.sent(TENANT, message, "P1", at=3))
    said += await line.hears(heard.ack(TENANT, "P1", 3), heard.ack(TENANT, "P1", 2))

    row = await row_of(line, message)
    assert types(said) == ["failed"]
    assert said[0].data.retryable
    assert (row["status"], row["failure_code"], row["late_ack"]) == ("failed", "not_on_whatsapp", "read")
    assert row["failed_at"] == line.noon + timedelta(minutes=2)
    assert (await line.steps(message))[:2] == ["queued", "failed"]
    assert (await line.steps(message)).count("late_ack") == 3


async def test_late_proofs_that_come_together_are_all_noted(line: Any) -> None:
    message = await a_queued_message(line)
    await line.hears(heard.failed(TENANT, message))
    await line.hears(heard.ack(TENANT, "P1", 2), heard.ack(TENANT, "P1", 3))

    assert await line.hears(heard.sent(TENANT, message, "P1")) == []
    assert await line.steps(message) == ["queued", "failed", "late_ack", "late_ack", "late_ack"]
    assert (await row_of(line, message))["late_ack"] == "read"


async def test_what_the_gateway_had_not_begun_is_cancelled(line: Any) -> None:
    message = await a_queued_message(line)
    (cancelled,) = await line.hears(heard.failed(TENANT, message, "cancelled"))
    assert await line.hears(heard.failed(TENANT, message, "cancelled")) == []

    row = await row_of(line, message)
    assert (cancelled.type, row["status"], row["failure_code"]) == ("message.cancelled.v1", "cancelled", None)
    assert row["cancelled_at"] == line.noon + timedelta(minutes=10)


async def test_an_echo_that_had_passed_as_typed_on_the_phone_becomes_the_same_message(line: Any) -> None:
    message = await a_queued_message(line)
    await line.hears(heard.unresolved(TENANT, message))
    typed = await line.hears(heard.message(TENANT, "P1", chat=CHAT_KEY, from_me=True, text="We open at nine.", at=1))
    await line.hears(heard.message(TENANT, "ANSWER", chat=CHAT_KEY, at=2, reply_to="P1"))
    await line.hears(heard.message(TENANT, "P9", chat=CHAT_KEY, from_me=True, text="bye", at=3))
    await line.hears(heard.ack(TENANT, "P1", 3, at=4))

    said = await line.hears(heard.sent(TENANT, message, "P1", evidence="own_message"))

    assert types(typed) == ["sent"]
    assert said == [], "all of it was told already"
    rows = {row["message_id"]: row for row in await line.messages()}
    ours = rows[message]
    assert len(rows) == 3
    assert typed[0].data.message_id not in rows
    assert (ours["status"], ours["provider_message_id"], ours["sender_kind"]) == ("read", "P1", "system")
    assert ours["read_at"] == line.noon + timedelta(minutes=4)
    (answer,) = [row for row in rows.values() if row["provider_message_id"] == "ANSWER"]
    assert answer["reply"] == message
    assert types(await line.hears(heard.ack(TENANT, "P1", 4))) == ["played"]


async def test_the_last_message_of_a_chat_is_never_one_that_was_merged_away(line: Any) -> None:
    message = await a_queued_message(line)
    await line.administrator.execute("update messaging.chats set last_message_at = '2020-01-01'")
    await line.hears(heard.message(TENANT, "P1", chat=CHAT_KEY, from_me=True))
    await line.hears(heard.sent(TENANT, message, "P1"))

    (chat,) = await line.chats()
    assert str(chat["last_message_id"]) == message


async def test_an_echo_that_comes_after_the_answer_is_no_second_message(line: Any) -> None:
    message = await a_queued_message(line)
    await line.hears(heard.sent(TENANT, message, "P1"))

    assert await line.hears(heard.message(TENANT, "P1", chat=CHAT_KEY, from_me=True)) == []
    assert len(await line.messages()) == 1


async def test_the_name_of_another_message_of_ours_is_refused(line: Any) -> None:
    first = await a_queued_message(line)
    second = await a_queued_message(line)
    await line.hears(heard.sent(TENANT, first, "P1"))

    with pytest.raises(DomainError, match="another message has that id"):
        await line.hears(heard.sent(TENANT, second, "P1"))


async def test_news_of_a_message_that_nobody_queued_are_not_swallowed(line: Any) -> None:
    with pytest.raises(DomainError, match="there is no message"):
        await line.hears(heard.failed(TENANT, new_id()))


async def test_a_chat_without_an_address_learns_it_from_the_provider(line: Any) -> None:
    await line.hears(heard.channel(TENANT))
    await line.hears(heard.contact(TENANT, phone="+12025550143"))
    _, first = await line.hears(heard.compose(TENANT))
    await line.hears(heard.sent(TENANT, first.data.message_id, "P1", external="12025550143@c.us"))

    (chat,) = await line.chats()
    assert (chat["external_chat_id"], chat["external_ids"]) == ("12025550143@c.us", ["12025550143@c.us"])
    (second,) = await line.hears(heard.compose(TENANT))
    assert second.data.to.external_chat_id == "12025550143@c.us"


async def test_an_address_that_another_chat_has_is_left_to_it(line: Any) -> None:
    await line.hears(heard.channel(TENANT))
    await line.hears(heard.message(TENANT, chat="another", external="12025550143@c.us", contact=new_id()))
    await line.hears(heard.contact(TENANT, phone="+12025550143"))
    _, first = await line.hears(heard.compose(TENANT))
    await line.hears(heard.sent(TENANT, first.data.message_id, "P1", external="12025550143@c.us"))

    assert {chat["chat_key"]: chat["external_chat_id"] for chat in await line.chats()} == {
        "another": "12025550143@c.us",
        CHAT_KEY: None,
    }


async def test_a_redelivered_outcome_changes_nothing(line: Any) -> None:
    message = await a_queued_message(line)
    inbox = Inbox(line.works)
    event = heard.sent(TENANT, message, "P1")

    from messaging.bootstrap import work_of
    from messaging.entrypoints.events.on_channel_message_sent import on_channel_message_sent

    async def handle(events: Any, work: Any) -> None:
        await on_channel_message_sent(events, work_of(work))

    assert [await inbox.apply([("channel_message_sent", alone([event, event]), handle)]) for _ in range(2)] == [
        [1],
        [0],
    ]
    assert await line.hears(heard.sent(TENANT, message, "P1", evidence="own_message")) == []
    assert (await row_of(line, message))["version"] == 2


async def test_two_tenants_with_equal_ids_mix_nothing(line: Any) -> None:
    message_id = new_id()
    await a_queued_message(line, TENANT, message_id)
    await a_queued_message(line, OTHER, message_id)
    await line.hears(heard.message(OTHER, "P1", chat=CHAT_KEY, from_me=True), heard.message(TENANT, "P2", from_me=True))

    said = await line.hears(heard.sent(OTHER, message_id, "P1"), heard.sent(TENANT, message_id, "P1"))
    said += await line.hears(heard.ack(TENANT, "P1", 2), heard.ack(OTHER, "P1", 3))

    assert [(event.tenantid, event.type) for event in said] == [
        (TENANT, "message.sent.v1"),
        (TENANT, "message.delivered.v1"),
        (OTHER, "message.read.v1"),
    ]
    assert (await row_of(line, message_id, TENANT))["status"] == "delivered"
    assert (await row_of(line, message_id, OTHER))["status"] == "read"
    with pytest.raises(DomainError):
        await line.hears(heard.failed(new_id(), message_id))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.permutations(["sent", "ack1", "ack2", "ack3", "unresolved", "echo"]), st.data())
async def test_every_order_of_good_news_ends_as_read_and_is_told_once(
    line: Any, order: list[str], data: st.DataObject
) -> None:
    """The echo comes with its own id on the line, the receipts find one or the other: in the end there is one message."""
    message, name = await a_queued_message(line), new_id()
    before = len(await line.messages())
    news = {
        "sent": lambda: heard.sent(TENANT, message, name),
        "ack1": lambda: heard.ack(TENANT, name, 1),
        "ack2": lambda: heard.ack(TENANT, name, 2),
        "ack3": lambda: heard.ack(TENANT, name, 3),
        "unresolved": lambda: heard.unresolved(TENANT, message),
        "echo": lambda: heard.message(TENANT, name, chat=CHAT_KEY, from_me=True),
    }
    repeated = data.draw(st.lists(st.sampled_from(order), max_size=4))
    said = []
    for each in [*order, *repeated]:
        said += await line.hears(news[each]())

    row = await row_of(line, message)
    assert (row["status"], row["provider_message_id"]) == ("read", name)
    assert len(await line.messages()) == before
    told = [event.type for event in said if event.type != "message.unresolved.v1"]
    assert len(told) == len(set(told))
    assert {"message.sent.v1", "message.read.v1"} <= set(told)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(["sent", "ack2", "ack-1", "unresolved", "failed", "cancelled"]), min_size=1, max_size=8)
)
async def test_a_row_never_moves_backwards_whatever_is_said(line: Any, order: list[str]) -> None:
    message, name = await a_queued_message(line), new_id()
    news = {
        "sent": lambda: heard.sent(TENANT, message, name),
        "ack2": lambda: heard.ack(TENANT, name, 2),
        "ack-1": lambda: heard.ack(TENANT, name, -1),
        "unresolved": lambda: heard.unresolved(TENANT, message, reserved=name),
        "failed": lambda: heard.failed(TENANT, message),
        "cancelled": lambda: heard.failed(TENANT, message, "cancelled"),
    }
    statuses = ["queued"]
    for each in order:
        await line.hears(news[each]())
        statuses.append((await row_of(line, message))["status"])

    ranks = [RANKS.get(status, 9) for status in statuses]
    assert ranks == sorted(ranks)
    for before, after in itertools.pairwise(statuses):
        assert before == after or before not in ("failed", "cancelled")
        assert after != "failed" or before not in ACCEPTED - {"sent"}


async def test_the_database_knows_the_same_table_of_statuses(line: Any) -> None:
    rows = await line.administrator.fetch(
        "select a, b, messaging.may_become(a, b) as may from unnest($1::text[]) a, unnest($1::text[]) b", list(STATUSES)
    )

    assert len(rows) == len(STATUSES) ** 2
    assert {(row["a"], row["b"]) for row in rows if row["may"]} == {
        (a, b) for a in STATUSES for b in STATUSES if may_become(a, b)
    }


async def test_a_batch_of_outcomes_costs_the_same_statements_whatever_its_size(line: Any) -> None:
    await line.hears(heard.channel(TENANT))
    people = [new_id() for _ in range(150)]
    await line.hears(
        *(
            heard.contact(TENANT, each, identities=(("wa_pn", f"{n}@c.us", heard.CHANNEL),))
            for n, each in enumerate(people)
        )
    )
    said = await line.hears(*(heard.compose(TENANT, contact=person) for person in people))
    messages = [event.data.message_id for event in said if event.type == "message.send_requested.v1"]

    async def cost(*events: Any) -> int:
        line.statements.clear()
        await line.hears(*events)
        return len(line.statements)

    def sent(chosen: list[str]) -> list[Any]:
        return [heard.sent(TENANT, message, f"P{message}") for message in chosen]

    # hold receipts back, messages, echoes, early receipts, rise
    assert await cost(*sent(messages[:2])) == await cost(*sent(messages[2:100])) == 5
    failures = [heard.failed(TENANT, message) for message in messages[100:]]
    assert await cost(*failures[:2]) == await cost(*failures[2:]) == 2  # messages, rise
