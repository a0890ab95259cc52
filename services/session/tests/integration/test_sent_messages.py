"""What we send counts in the session of its chat: set-based, each once, in any order."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from kernel.ids import new_id

TENANT = "00000000-0000-7000-8000-00000000000a"
OTHER = "00000000-0000-7000-8000-00000000000b"


async def test_an_answer_counts_and_tells_how_long_it_took(line: Any) -> None:
    await line.hears(line.message(TENANT))
    said = await line.hears(line.sent(TENANT, at=4), line.sent(TENANT, at=6))

    assert said == [], "counts and times are silent"
    (session,) = await line.sessions()
    assert (session["message_count"], session["messages_from_contact"], session["messages_from_agent"]) == (3, 1, 2)
    assert session["first_agent_response_at"] == session["first_human_response_at"] == line.noon + timedelta(minutes=4)
    assert (session["contact_wait_ms"], session["unread_count"], session["waiting_since"]) == (240_000, 0, None)
    assert session["timeout_at"] == line.noon + timedelta(minutes=36)


@pytest.mark.parametrize(
    "source", ["trigger", "broadcast", "sequence", "scheduled", "system", "campaign", "csat", "test"]
)
async def test_what_the_product_sends_by_itself_counts_but_answers_nobody(line: Any, source: str) -> None:
    await line.hears(line.message(TENANT))
    await line.hears(line.sent(TENANT, at=4, source=source))

    (session,) = await line.sessions()
    assert (session["messages_from_agent"], session["first_agent_response_at"]) == (1, None)
    assert (session["waiting_since"], session["unread_count"]) == (line.noon, 1)
    assert session["timeout_at"] == line.noon + timedelta(minutes=34)


async def test_a_machine_answers_but_is_no_human(line: Any) -> None:
    await line.hears(line.message(TENANT))
    await line.hears(line.sent(TENANT, at=4, source="bot"))

    (session,) = await line.sessions()
    assert session["first_agent_response_at"] == line.noon + timedelta(minutes=4)
    assert session["first_human_response_at"] is None


async def test_what_the_phones_owner_typed_was_counted_on_the_line_already(line: Any) -> None:
    await line.hears(line.message(TENANT), line.message(TENANT, at=1, from_me=True))
    await line.hears(line.sent(TENANT, at=1, source="phone"))

    (session,) = await line.sessions()
    assert session["message_count"] == 2


async def test_nothing_that_we_send_opens_a_session(line: Any) -> None:
    await line.hears(line.sent(TENANT), line.sent(TENANT, "group", contact=None))

    assert await line.sessions() == []


async def test_a_send_past_the_deadline_ends_the_session_at_it(line: Any) -> None:
    await line.hears(line.message(TENANT))
    (ended,) = await line.hears(line.sent(TENANT, at=31))

    assert (ended.type, ended.data.ended_at) == ("session.ended.v1", line.noon + timedelta(minutes=30))
    (session,) = await line.sessions()
    assert (session["status"], session["message_count"]) == ("ended", 1)


async def test_a_send_of_before_the_session_belongs_to_it_only_if_it_says_so(line: Any) -> None:
    await line.hears(line.message(TENANT, at=10))
    (session,) = await line.sessions()

    await line.hears(line.sent(TENANT, at=9, said=12), line.sent(TENANT, at=9, said=12, session=new_id()))
    assert [each["message_count"] for each in await line.sessions()] == [1]
    # clocks differ: what was written in this session may seem older than it
    await line.hears(line.sent(TENANT, at=9.9, said=12, session=session["session_id"]))
    assert [each["message_count"] for each in await line.sessions()] == [2]


async def test_a_send_that_named_a_session_which_is_over_counts_where_its_time_belongs(line: Any) -> None:
    await line.hears(line.message(TENANT))
    (first,) = await line.sessions()
    await line.hears(line.message(TENANT, at=60))

    await line.hears(line.sent(TENANT, at=61, session=first["session_id"]))

    assert [session["message_count"] for session in await line.sessions()] == [1, 2]


async def test_the_order_in_which_both_streams_arrive_changes_nothing(line: Any) -> None:
    seen = set()
    for number, order in enumerate(permutations(range(4))):
        chat = f"chat {number}"
        await line.hears(line.message(TENANT, chat))
        events = [
            line.message(TENANT, chat, at=5),
            line.sent(TENANT, chat, at=2),
            line.sent(TENANT, chat, at=9),
            line.sent(TENANT, chat, at=7, source="trigger"),
        ]
        for index in order:
            await line.hears(events[index])
    for session in await line.sessions():
        seen.add(
            tuple(
                session[name]
                for name in (
                    *("message_count", "messages_from_agent", "contact_wait_ms", "waiting_since", "unread_count"),
                    *("first_agent_response_at", "last_message_at", "last_activity_at", "timeout_at"),
                )
            )
        )

    later = [line.noon + timedelta(minutes=minutes) for minutes in (2, 9, 9, 39)]
    assert seen == {(5, 3, 360_000, None, 0, *later)}


async def test_a_redelivered_send_counts_once(line: Any) -> None:
    await line.hears(line.message(TENANT))
    answer = line.sent(TENANT, at=4)

    with pytest.raises(RuntimeError):
        await line.delivers(answer, then=RuntimeError("killed before the commit"))
    for _ in range(3):
        await line.delivers(answer, answer)

    (session,) = await line.sessions()
    assert session["messages_from_agent"] == 1


async def test_sends_of_two_tenants_with_equal_chats_stay_apart(line: Any) -> None:
    await line.hears(line.message(TENANT), line.message(OTHER))
    await line.hears(line.sent(TENANT, at=1), line.sent(OTHER, at=2), line.sent(OTHER, at=3))

    counts = {session["tenant"]: session["messages_from_agent"] for session in await line.sessions()}
    assert counts == {TENANT: 1, OTHER: 2}


async def test_a_batch_of_sends_costs_two_statements_whatever_its_size(line: Any) -> None:
    async def cost(size: int) -> int:
        await line.hears(*(line.message(TENANT, f"{size} {number}") for number in range(size)))
        line.statements.clear()
        await line.hears(*(line.sent(TENANT, f"{size} {number}", at=1) for number in range(size)))
        return len(line.statements)

    assert await cost(3) == await cost(300) == 2  # look, change
