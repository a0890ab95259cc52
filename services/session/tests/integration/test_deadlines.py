"""Turns of a timekeeper on a real database: what ends, what does not, and who may be there at the same time."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from kernel.ids import new_id
from outbox.said import events_said
from session.adapters import deadlines_in_postgres
from session.bootstrap import work_of
from session.domain import turns
from session.domain.turns import Shard

TENANT = "00000000-0000-7000-8000-00000000000a"
OTHER = "00000000-0000-7000-8000-00000000000b"
WHOLE = Shard(0, 1)


async def test_a_session_ends_at_its_deadline_and_not_at_the_wake_up(line: Any) -> None:
    await line.hears(line.message(TENANT), line.message(TENANT, at=3, from_me=True), line.message(TENANT, at=5))

    turn, (ended,) = await line.at(95).turn()

    assert ended.type == "session.ended.v1"
    assert ended.data.ended_at == line.noon + timedelta(minutes=35)
    assert (ended.data.end_reason, ended.data.duration_seconds) == ("inactivity_timeout", 35 * 60)
    assert (ended.data.ended_by, ended.actor) == ("system:session", "system:session")
    assert (ended.data.ended_unanswered, ended.data.resolved) == (True, False)
    metrics = ended.data.metrics
    assert (metrics.total_messages, metrics.inbound_messages, metrics.outbound_messages) == (3, 2, 1)
    assert (metrics.first_response_seconds, metrics.wait_seconds) == (180, 180)
    assert (metrics.first_message_at, metrics.last_message_at) == (line.noon, line.noon + timedelta(minutes=5))
    (session,) = await line.sessions()
    assert (session["status"], session["ended_at"]) == ("ended", line.noon + timedelta(minutes=35))
    assert (turn.late_s, turn.more, turn.next_check_at) == ([60 * 60], False, None)
    assert await line.turn() == (turns.Turn(), []), "once"


async def test_nothing_ends_before_its_deadline_nor_at_it(line: Any) -> None:
    await line.hears(line.message(TENANT))

    for minutes in (1, 29.99, 30):
        turn, said = await line.at(minutes).turn()
        assert (turn.late_s, said, turn.next_check_at) == ([], [], line.noon + timedelta(minutes=30))
    _, said = await line.at(30.01).turn()
    assert len(said) == 1


async def test_a_session_in_which_somebody_wrote_meanwhile_is_looked_at_again_at_its_new_deadline(line: Any) -> None:
    await line.hears(line.message(TENANT))
    await line.hears(line.message(TENANT, at=20))

    turn, said = await line.at(31).turn()

    assert (turn.late_s, said, turn.next_check_at) == ([], [], line.noon + timedelta(minutes=50))
    _, (ended,) = await line.at(51).turn()
    assert ended.data.ended_at == line.noon + timedelta(minutes=50)


async def test_somebody_who_writes_between_the_look_and_the_end_keeps_the_session_open(line: Any) -> None:
    await line.hears(line.message(TENANT))
    async with line.at(31).works.begin(()) as unit:
        work = work_of(unit)
        due = await work.deadlines.due(WHOLE, work.now, 10)
        await line.hears(line.message(TENANT, at=29))

        assert len(due) == 1
        assert await work.deadlines.end(due, work.now) == []

    (session,) = await line.sessions()
    assert (session["status"], session["message_count"]) == ("active", 2)


async def test_without_the_guard_whoever_wrote_meanwhile_would_be_cut_off(
    line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded = deadlines_in_postgres.END.replace("and s.timeout_at < $3", "and $3::timestamptz is not null")
    monkeypatch.setattr(deadlines_in_postgres, "END", unguarded)
    await line.hears(line.message(TENANT))
    await line.hears(line.message(TENANT, at=29))

    _, said = await line.at(31).turn()

    assert len(said) == 1, "the guard is what keeps it open"


async def test_what_somebody_holds_is_left_for_the_next_turn_without_waiting(line: Any) -> None:
    await line.hears(line.message(TENANT, "held"), line.message(TENANT, "free"))
    async with line.works.begin([TENANT]) as holder:
        await work_of(holder).sessions.open_in([(TENANT, "held")])

        async with asyncio.timeout(2):
            turn, said = await line.at(31).turn()

        assert [event.data.chat_key for event in said] == ["free"]
        assert turn.next_check_at == line.noon + timedelta(minutes=30), "still due"
    _, said = await line.turn()
    assert [event.data.chat_key for event in said] == ["held"]


async def test_a_session_that_a_person_closes_in_that_moment_ends_once(line: Any) -> None:
    await line.hears(line.message(TENANT))
    async with line.at(31).works.begin(()) as unit:
        work = work_of(unit)
        due = await work.deadlines.due(WHOLE, work.now, 10)
        await line.administrator.execute(
            "update session.sessions set status = 'ended', end_reason = 'resolved', ended_at = started_at"
        )
        assert await work.deadlines.end(due, work.now) == []
        assert await work.deadlines.look_later(due, work.now) == 0


async def test_two_timekeepers_of_one_shard_do_no_harm(line: Any) -> None:
    chats = [f"chat {number}" for number in range(120)]
    await line.hears(*(line.message(TENANT, chat) for chat in chats))
    line.at(31)

    async def all_turns() -> list[str]:
        ended: list[str] = []
        while True:
            _, said = await line.turn()
            ended += [event.data.session_id for event in said]
            if not said:
                return ended

    found = await asyncio.gather(*(all_turns() for _ in range(4)))

    ended = Counter(session for each in found for session in each)
    assert len(ended) == 120
    assert set(ended.values()) == {1}
    said = await line.administrator.fetchval(
        "select sum(events) from session.outbox_bundles where type = 'session.ended.v1'"
    )
    assert said == 120


async def test_a_turn_takes_a_thousand_at_most_and_asks_for_another(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("session.application.end_due_sessions.MOST_AT_ONCE", 50)
    await line.hears(*(line.message(TENANT, f"chat {number}", at=number % 7) for number in range(70)))

    first, said = await line.at(90).turn()
    second, rest = await line.turn()

    assert (len(first.late_s), first.more, len(second.late_s), second.more) == (50, True, 20, False)
    assert max(event.data.ended_at for event in said) <= min(event.data.ended_at for event in rest), "longest due first"


async def test_each_session_belongs_to_one_shard(line: Any) -> None:
    await line.hears(*(line.message(TENANT, f"chat {number}") for number in range(60)))
    line.at(31)

    ended = [{event.data.session_id for event in (await line.turn(Shard(number, 3)))[1]} for number in range(3)]

    assert sum(map(len, ended)) == len(set.union(*ended)) == 60
    assert all(ended), "each has some"


async def test_what_ends_stays_with_its_tenant(line: Any) -> None:
    await line.hears(line.message(TENANT), line.message(OTHER), line.message(OTHER, "another"))

    _, said = await line.at(31).turn()

    by_session = {session["session_id"]: session["tenant"] for session in await line.sessions()}
    assert Counter(event.tenantid for event in said) == {TENANT: 1, OTHER: 2}
    for event in said:
        assert by_session[event.data.session_id] == event.tenantid
        assert (event.subject, event.partitionkey) == (event.data.session_id, event.data.chat_key)
        assert event.projectid == "00000000-0000-7000-8000-00000000000f"
    stored = await events_said(line.administrator, "session", "session.ended.v1")
    assert Counter(json.loads(event)["tenantid"] for event in stored) == {TENANT: 1, OTHER: 2}


async def test_a_turn_costs_the_same_statements_however_much_is_due(line: Any) -> None:
    async def cost(chats: int, at: float) -> int:
        await line.hears(*(line.message(TENANT, f"{at} {number}", at=at) for number in range(chats)))
        line.statements.clear()
        await line.at(at + 31).turn()
        return len(line.statements)

    assert await cost(3, 0) == await cost(300, 100) == 4  # lag, due, end, next; moving on only where somebody wrote


async def test_an_ended_session_names_its_chat_whenever_that_became_known(line: Any) -> None:
    ours, theirs = new_id(), new_id()
    await line.hears(line.message(TENANT), line.message(OTHER))
    await line.hears(line.chat(TENANT, "chat", ours), line.chat(OTHER, "chat", theirs))
    await line.hears(line.message(TENANT, "unknown"))

    _, said = await line.at(31).turn()

    chats = {(event.tenantid, event.data.chat_key): event.data.chat_id for event in said}
    assert chats == {(TENANT, "chat"): ours, (OTHER, "chat"): theirs, (TENANT, "unknown"): None}
    await line.hears(line.message(TENANT, at=40))
    ended, *_ = await line.hears(line.message(TENANT, at=100))
    assert (ended.type, ended.data.chat_id) == ("session.ended.v1", ours), "also one that a message ended"


async def test_the_oldest_version_of_a_chat_does_not_come_back(line: Any) -> None:
    newest, groups = new_id(), new_id()
    await line.hears(line.chat(TENANT, "chat", new_id(), version=2), line.chat(TENANT, "chat", newest, version=3))
    await line.hears(line.chat(TENANT, "chat", new_id(), version=1))
    await line.hears(line.chat(TENANT, "group", groups, chat_type="group"))

    known = await line.administrator.fetch("select chat_key, chat_id::text from session.known_chats")

    assert [tuple(row) for row in known] == [("chat", newest)]


class TestLagGuard:
    """Nothing ends while an answer may be waiting in a queue."""

    @pytest.mark.parametrize(
        ("told", "held"),
        [
            ([], True),
            ([(0, 0)], False),
            ([(5, 0)], False),
            ([(5.1, 0)], True),
            ([(0, 9)], False),
            ([(0, 11)], True),
            ([(0, 0), (0, 11)], True),
            ([(0, 0), (60, 0)], True),
            ([(0, 0), (60, 61)], False),
        ],
        ids=[
            "nobody consumes",
            "nothing waits",
            "a little waits",
            "too much waits",
            "told lately",
            "silent",
            "one replica is silent",
            "one replica lags",
            "one replica is gone for good",
        ],
    )
    async def test_it_holds_back(self, line: Any, told: list[tuple[float, float]], held: bool) -> None:
        await line.administrator.execute("delete from session.consumer_lag")
        for replica, (lag_s, ago_s) in enumerate(told):
            await line.lags(lag_s, replica, ago_s)
        await line.hears(line.message(TENANT))

        turn, said = await line.at(31).turn()

        assert (turn.held_back, len(said)) == (held, 0 if held else 1)

    async def test_the_message_that_waited_keeps_the_session_open(self, line: Any) -> None:
        await line.hears(line.message(TENANT))
        await line.lags(40)
        turn, _ = await line.at(31).turn()
        assert turn.held_back

        await line.hears(line.message(TENANT, at=29))
        await line.lags(0)
        _, said = await line.turn()

        assert said == []
        assert [session["message_count"] for session in await line.sessions()] == [2]

    async def test_without_the_guard_it_would_have_been_cut_off(
        self, line: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deadlines_in_postgres, "HELD_BACK", "select $1::float8 + 0 < 0 and $2 = $3::interval")
        await line.hears(line.message(TENANT))
        await line.lags(40)
        _, said = await line.at(31).turn()

        await line.hears(line.message(TENANT, at=29))

        assert len(said) == 1
        assert len(await line.sessions()) == 2
