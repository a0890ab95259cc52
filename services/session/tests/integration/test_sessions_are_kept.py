"""The handler on a real database: sessions opened, resumed, ended; tenants apart; a fixed number of statements."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from kernel.ids import new_id

TENANT = "00000000-0000-7000-8000-00000000000a"
OTHER = "00000000-0000-7000-8000-00000000000b"


async def test_messages_open_one_session_and_are_numbered_in_it(line: Any) -> None:
    said = await line.hears(line.message(TENANT), line.message(TENANT, at=1), line.message(TENANT, at=2, from_me=True))

    assert [event.type for event in said] == ["session.started.v1"] + ["session.message_recorded.v1"] * 3
    assert [event.data.session_message_number for event in said[1:]] == [1, 2, 3]
    assert [event.data.session_started for event in said[1:]] == [True, False, False]
    (session,) = await line.sessions()
    assert session["status"] == "active"
    assert (session["message_count"], session["messages_from_contact"], session["messages_from_agent"]) == (3, 2, 1)
    assert session["timeout_at"] == line.noon + timedelta(minutes=32)
    assert {event.data.session_id for event in said} == {session["session_id"]}


async def test_a_later_batch_resumes_the_session(line: Any) -> None:
    await line.hears(line.message(TENANT))
    said = await line.hears(line.message(TENANT, at=20), line.message(TENANT, at=21, from_me=True))

    assert [event.data.session_message_number for event in said] == [2, 3]
    (session,) = await line.sessions()
    assert (session["message_count"], session["version"]) == (3, 2)
    assert session["contact_wait_ms"] == 21 * 60_000


async def test_a_late_message_ends_the_session_at_its_deadline_and_opens_another(line: Any) -> None:
    await line.hears(line.message(TENANT))
    said = await line.hears(line.message(TENANT, at=90), line.message(TENANT, at=200))

    assert [event.type for event in said] == [
        "session.ended.v1",
        "session.started.v1",
        "session.message_recorded.v1",
        "session.ended.v1",
        "session.started.v1",
        "session.message_recorded.v1",
    ]
    ended = said[0].data
    assert ended.ended_at == line.noon + timedelta(minutes=30)
    assert ended.duration_seconds == 1800
    assert (ended.metrics.total_messages, ended.ended_unanswered, ended.end_reason) == (1, True, "inactivity_timeout")
    sessions = await line.sessions()
    assert [session["status"] for session in sessions] == ["ended", "ended", "active"]
    assert {event.causationid for event in said[:3]} == {said[2].causationid}


async def test_the_deadline_follows_the_settings_of_the_channel(line: Any) -> None:
    await line.hears(line.message(TENANT, timeout=240))
    await line.hears(line.message(TENANT, at=200, timeout=5))

    (session,) = await line.sessions()
    assert session["timeout_minutes"] == 240, "minutes are resolved when a session starts"


async def test_groups_and_lonely_own_messages_pass_without_a_session(line: Any) -> None:
    said = await line.hears(
        line.message(TENANT, "group", chat_type="group"),
        line.message(TENANT, "own", from_me=True),
        line.message(TENANT, "old", origin="history"),
        line.message(TENANT, "group", chat_type="group", from_me=True, contact=None),
    )

    assert [event.type for event in said] == ["session.message_recorded.v1"] * 4
    assert {event.data.session_id for event in said} == {None}
    assert await line.sessions() == []


async def test_two_tenants_with_equal_ids_mix_nothing(line: Any) -> None:
    same = new_id()
    said = await line.hears(
        line.message(TENANT, message_id=same),
        line.message(OTHER, message_id=same),
        line.message(OTHER, at=1, from_me=True),
        line.message(TENANT, at=40),
    )

    sessions = await line.sessions()
    assert [(s["tenant"], s["status"], s["message_count"]) for s in sessions] == [
        (TENANT, "ended", 1),
        (OTHER, "active", 2),
        (TENANT, "active", 1),
    ]
    by_id = {session["session_id"]: session["tenant"] for session in sessions}
    for event in said:
        assert by_id[event.data.session_id] == event.tenantid
    async with line.works.begin([OTHER]) as work:
        assert await work.connection.fetchval("select count(*) from sessions") == 1


async def test_a_batch_costs_the_same_statements_whatever_its_size(line: Any) -> None:
    async def cost(size: int, at: int) -> int:
        line.statements.clear()
        chats = (f"{size} {number // 3}" for number in range(size))
        await line.hears(*(line.message(TENANT, chat, at=at) for chat in chats))
        return len(line.statements)

    assert await cost(3, 0) == await cost(300, 0) == 3  # look, timeouts, begin
    assert await cost(3, 1) == await cost(300, 1) == 2  # look, change
    assert await cost(300, 60) == 5  # look, timeouts, change, begin, the chats of those that ended


async def test_the_database_itself_refuses_a_second_open_session_of_a_chat(line: Any) -> None:
    await line.hears(line.message(TENANT))

    with pytest.raises(asyncpg.UniqueViolationError):
        await line.administrator.execute(
            "insert into session.sessions (tenant_id, id, project_id, chat_key, contact_id, channel_id, channel_type, origin, status,"
            " started_at, last_activity_at, timeout_minutes, timeout_at, check_at, message_count, messages_from_contact,"
            " messages_from_agent, unread_count, contact_wait_ms)"
            " select tenant_id, gen_random_uuid(), project_id, chat_key, contact_id, channel_id, channel_type, 'manual', 'active',"
            " started_at, last_activity_at, 30, timeout_at, timeout_at, 0, 0, 0, 0, 0 from session.sessions"
        )


async def test_a_session_that_a_person_closed_is_not_resumed(line: Any) -> None:
    await line.hears(line.message(TENANT))
    await line.administrator.execute(
        "update session.sessions set status = 'ended', end_reason = 'resolved', ended_at = started_at"
    )
    said = await line.hears(line.message(TENANT, at=1))

    assert [event.type for event in said] == ["session.started.v1", "session.message_recorded.v1"]
    assert said[1].data.session_message_number == 1
