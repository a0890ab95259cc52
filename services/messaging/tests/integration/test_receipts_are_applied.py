"""Receipts on a real database: forward only, waiting where they come first, also beside a message on its way."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

TENANT = "00000000-0000-7000-8000-00000000000a"
OTHER = "00000000-0000-7000-8000-00000000000b"


async def status_of(line: Any) -> str:
    (message,) = await line.messages()
    status: str = message["status"]
    return status


async def test_receipts_move_a_message_forward_and_each_step_is_announced(line: Any) -> None:
    await line.hears(line.message(TENANT, "A", from_me=True))
    said = await line.hears(
        line.ack(TENANT, "A", 2, at=1), line.ack(TENANT, "A", 3, at=2), line.ack(TENANT, "A", 4, at=3)
    )

    assert [(event.type, event.data.previous_status) for event in said] == [
        ("message.delivered.v1", "sent"),
        ("message.read.v1", "delivered"),
        ("message.played.v1", "read"),
    ]
    (message,) = await line.messages()
    assert (message["status"], message["read_at"]) == ("played", line.noon + timedelta(minutes=2))
    assert (said[0].data.source, said[0].partitionkey) == ("phone", "chat")


async def test_a_lower_receipt_changes_nothing(line: Any) -> None:
    await line.hears(line.message(TENANT, "A", from_me=True))
    await line.hears(line.ack(TENANT, "A", 3))

    assert await line.hears(line.ack(TENANT, "A", 2), line.ack(TENANT, "A", 1), line.ack(TENANT, "A", -1)) == []
    assert await status_of(line) == "read"


@pytest.mark.parametrize(("order", "wins"), [((3, 2), "read"), ((2, 3, 1), "read")], ids=["falling", "mixed"])
async def test_in_a_group_the_highest_receipt_wins(line: Any, order: tuple[int, ...], wins: str) -> None:
    await line.hears(line.message(TENANT, "A", chat="group", chat_type="group", from_me=True, contact=None))
    await line.hears(*(line.ack(TENANT, "A", level, participant=f"{n}@lid") for n, level in enumerate(order)))

    assert await status_of(line) == wins


async def test_a_receipt_waits_for_its_message(line: Any) -> None:
    assert await line.hears(line.ack(TENANT, "A", 2, at=1), line.ack(TENANT, "A", 3, at=2)) == []
    assert await line.waiting() == 2

    said = await line.hears(line.message(TENANT, "A", from_me=True))

    assert [event.type for event in said] == [
        "chat.created.v1",
        "message.sent.v1",
        "message.delivered.v1",
        "message.read.v1",
    ]
    assert await status_of(line) == "read"
    assert await line.waiting() == 0


async def test_a_receipt_that_waited_for_a_week_is_forgotten(line: Any) -> None:
    await line.hears(line.ack(TENANT, "A", 2), line.ack(TENANT, "B", 2))
    await line.administrator.execute("update messaging.pending_acks set expires_at = now() - interval '1 second'")

    await line.hears(line.message(TENANT, "A", from_me=True))
    assert await status_of(line) == "sent"
    await line.hears(line.ack(TENANT, "C", 2))
    assert await line.waiting() == 1


async def test_a_receipt_beside_a_message_on_its_way_is_not_lost(line: Any) -> None:
    """Neither transaction sees what the other has not committed: without the lock the receipt would wait for ever."""
    async with line.works.begin([TENANT]) as work:
        from messaging.bootstrap import work_of
        from messaging.entrypoints.events.on_session_message_recorded import on_session_message_recorded

        await on_session_message_recorded([line.message(TENANT, "A", from_me=True)], work_of(work))
        receipt = asyncio.create_task(line.hears(line.ack(TENANT, "A", 2)))
        await asyncio.sleep(0.3)
        assert not receipt.done(), "it waits until it can know"
    said = await receipt

    assert [event.type for event in said] == ["message.delivered.v1"]
    assert await status_of(line) == "delivered"
    assert await line.waiting() == 0


async def test_a_failure_ends_what_had_not_arrived_and_a_late_receipt_is_kept(line: Any) -> None:
    await line.hears(line.message(TENANT, "A", from_me=True))
    (failed,) = await line.hears(line.ack(TENANT, "A", -1, at=1))
    assert await line.hears(line.ack(TENANT, "A", 2, at=2)) == []

    (message,) = await line.messages()
    assert (failed.type, failed.data.code, failed.data.retryable) == ("message.failed.v1", "acked_error", True)
    assert (message["status"], message["failure_code"], message["late_ack"]) == ("failed", "acked_error", "delivered")
    assert message["delivered_at"] is None


async def test_reading_on_another_device_moves_the_read_mark_and_not_the_message(line: Any) -> None:
    await line.hears(*(line.message(TENANT, name, at=at) for at, name in enumerate("ABC")))
    said = await line.hears(line.ack(TENANT, "B", 3, from_me=False))

    (chat,) = await line.chats()
    assert said == []
    assert chat["unread_count"] == 1
    assert {message["status"] for message in await line.messages()} == {"delivered"}

    await line.hears(line.ack(TENANT, "A", 3, from_me=False))
    (chat,) = await line.chats()
    assert chat["unread_count"] == 1, "the mark only moves forward"

    await line.hears(line.message(TENANT, "LATE", at=0.5), line.message(TENANT, "D", at=4))
    (chat,) = await line.chats()
    assert chat["unread_count"] == 2, "what came late lies before the mark"


async def test_reading_that_is_reported_before_the_message_marks_it_read(line: Any) -> None:
    await line.hears(line.ack(TENANT, "A", 3, from_me=False))
    await line.hears(line.message(TENANT, "A"))

    (chat,) = await line.chats()
    assert chat["unread_count"] == 0


async def test_that_a_message_of_theirs_reached_us_is_no_news(line: Any) -> None:
    await line.hears(line.ack(TENANT, "A", 2, from_me=False))

    assert await line.waiting() == 0


async def test_receipts_of_two_tenants_with_equal_ids_mix_nothing(line: Any) -> None:
    await line.hears(line.message(TENANT, "A", from_me=True), line.message(OTHER, "A", from_me=True))
    said = await line.hears(line.ack(OTHER, "A", 3), line.ack(TENANT, "A", 2), line.ack(TENANT, "B", 4))
    await line.hears(line.message(OTHER, "B", from_me=True, at=1))

    statuses = {
        (message["tenant"], message["provider_message_id"]): message["status"] for message in await line.messages()
    }
    assert statuses == {(TENANT, "A"): "delivered", (OTHER, "A"): "read", (OTHER, "B"): "sent"}
    assert [(event.tenantid, event.type) for event in said] == [
        (OTHER, "message.read.v1"),
        (TENANT, "message.delivered.v1"),
    ]
    assert await line.waiting() == 1


async def test_the_database_itself_refuses_to_move_backwards(line: Any) -> None:
    from messaging.adapters.sendings_in_postgres import SendingsInPostgres

    await line.hears(line.message(TENANT, "A", from_me=True))
    await line.hears(line.ack(TENANT, "A", 3))
    async with line.works.begin([TENANT]) as work:
        sendings = SendingsInPostgres(work.connection)
        channel = line.ack(TENANT, "A", 1).data.channel_id
        (message,) = await sendings.by_provider_id([(TENANT, channel, "A")])
        for lower in ("delivered", "failed", "sent", "queued", "unknown", "cancelled"):
            message.status = lower
            await sendings.rise([message], [])

    assert await status_of(line) == "read"


async def test_a_batch_of_receipts_costs_the_same_statements_whatever_its_size(line: Any) -> None:
    names = [f"{number}" for number in range(300)]
    await line.hears(*(line.message(TENANT, name, from_me=True) for name in names))

    async def cost(names: list[str], level: int) -> int:
        line.statements.clear()
        await line.hears(*(line.ack(TENANT, name, level) for name in names))
        return len(line.statements)

    assert await cost(names[:2], 2) == await cost(names, 3) == 2  # look, rise
    assert (
        await cost(["x"], 2) == await cost([f"y{name}" for name in names], 2) == 5
    )  # look, hold, look, forget, put aside
