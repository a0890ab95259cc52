"""What a session counts, when it ends, and that neither depends on how its messages were cut into batches."""

from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session.domain.attendance import Message, Session, response_seconds
from session.domain.open_sessions import OpenSessions, Place
from session.domain.timeouts import Timeouts

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def a_message(
    at: float,
    *,
    inbound: bool = True,
    received: float | None = None,
    source: str | None = None,
    chat_type: str = "individual",
    origin: str = "live",
    contact_id: str | None = "ana",
    timeout: int | None = None,
) -> Message:
    """Return a message written `at` minutes after noon."""
    occurred = NOON + timedelta(minutes=at)
    return Message(
        tenant_id="tenant",
        project_id="project",
        chat_key="chat",
        chat_type=chat_type,
        channel_id="channel",
        channel_type="waha",
        contact_id=contact_id,
        pipeline_id=None,
        channel_minutes=timeout,
        inbound=inbound,
        source=source if inbound or source else "phone",
        origin=origin,
        occurred_at=occurred,
        received_at=occurred if received is None else NOON + timedelta(minutes=received),
    )


def placed(*messages: Message) -> tuple[list[Place], list[Session]]:
    """Return where the messages of one chat lie, taken as one batch, and all their sessions."""
    sessions = OpenSessions()
    ids = count(1)
    places = [sessions.place(message, lambda: f"session {next(ids)}", Timeouts()) for message in messages]
    return places, list(sessions.touched.values())


def test_a_first_inbound_message_opens_a_session_and_the_next_resumes_it() -> None:
    places, sessions = placed(a_message(0), a_message(10))

    assert [place.started for place in places] == [True, False]
    assert [place.number for place in places] == [1, 2]
    assert len(sessions) == 1
    assert sessions[0].timeout_at == NOON + timedelta(minutes=40)


def test_our_own_message_joins_the_open_session_and_opens_none() -> None:
    (before, _, after), sessions = placed(a_message(0, inbound=False), a_message(1), a_message(2, inbound=False))

    assert before.session is None
    assert after.number == 2
    assert (sessions[0].messages_from_contact, sessions[0].messages_from_agent) == (1, 1)


def test_a_message_past_the_deadline_ends_the_session_at_its_deadline_and_opens_another() -> None:
    (first, second), sessions = placed(a_message(0), a_message(31))

    assert second.started
    assert second.ended is first.session
    assert sessions[0].ended_at == NOON + timedelta(minutes=30)
    assert sessions[0].end_reason == "inactivity_timeout"
    assert sessions[0].ended_unanswered
    assert sessions[1].status == "active"


def test_a_message_at_the_deadline_itself_still_belongs() -> None:
    _, sessions = placed(a_message(0), a_message(30))

    assert len(sessions) == 1


def test_our_own_message_past_the_deadline_ends_the_session_and_belongs_to_none() -> None:
    (_, own), sessions = placed(a_message(0), a_message(31, inbound=False))

    assert own.session is None
    assert own.ended is sessions[0]
    assert sessions[0].message_count == 1


def test_a_backlog_after_an_outage_counts_from_our_clock() -> None:
    places, sessions = placed(a_message(0, received=120), a_message(50, received=120.5))

    assert len(sessions) == 1, "50 minutes apart where they were written, half a minute apart where we are"
    assert places[0].session is not None
    assert sessions[0].started_at == NOON
    assert sessions[0].last_activity_at == NOON + timedelta(minutes=120.5)


def test_a_clock_ahead_of_ours_cannot_start_a_session_in_the_future() -> None:
    _, sessions = placed(a_message(600, received=0), a_message(31, received=31))

    assert sessions[0].started_at == NOON
    assert sessions[0].ended_at == NOON + timedelta(minutes=30)


def test_activity_moves_the_deadline_only_forward() -> None:
    _, sessions = placed(a_message(10), a_message(7))

    assert sessions[0].last_activity_at == NOON + timedelta(minutes=10)
    assert sessions[0].first_message_at == NOON + timedelta(minutes=7)


@pytest.mark.parametrize(
    "outside",
    [{"chat_type": "group"}, {"chat_type": "channel"}, {"origin": "history"}, {"contact_id": None}],
    ids=["group", "channel", "history", "nobody"],
)
def test_groups_history_and_nobody_have_no_session(outside: dict[str, str | None]) -> None:
    (place,), sessions = placed(a_message(0, **outside))  # type: ignore[arg-type]

    assert place.session is None
    assert not sessions


def test_the_wait_is_what_passed_until_each_answer() -> None:
    _, (session,) = placed(
        a_message(0), a_message(1), a_message(3, inbound=False), a_message(5), a_message(6, inbound=False)
    )

    assert session.talk.waited_ms == (3 + 1) * 60_000
    assert session.talk.waiting_since is None
    assert response_seconds(session.first_contact_message_at, session.first_agent_response_at) == 180


def test_what_a_rule_sends_counts_but_answers_nobody() -> None:
    _, (session,) = placed(a_message(0), a_message(1, inbound=False, source="trigger"))

    assert session.messages_from_agent == 1
    assert session.first_agent_response_at is None
    assert session.talk.waiting_since == NOON


minutes = st.integers(0, 200)
spoken = st.lists(st.tuples(minutes, st.booleans(), st.integers(0, 12)), max_size=40)


@given(spoken, st.lists(st.integers(0, 40), max_size=6))
def test_how_messages_are_cut_into_batches_changes_nothing(said: list[tuple[int, bool, int]], cuts: list[int]) -> None:
    messages = [a_message(at, inbound=inbound, received=at + lag) for at, inbound, lag in said]
    whole, _ = placed(*messages)

    ids = count(1)
    open_now: list[Session] = []
    pieces: list[Place] = []
    edges = sorted({0, len(messages), *(cut for cut in cuts if cut < len(messages))})
    for start, end in pairwise(edges):
        batch = OpenSessions.of(open_now)
        pieces += [batch.place(message, lambda: f"session {next(ids)}", Timeouts()) for message in messages[start:end]]
        carried = {session.id: session for session in open_now} | batch.touched
        open_now = [session for session in carried.values() if session.status == "active"]
        assert len(open_now) <= 1
        for session in open_now:
            session.is_new = False

    def seen(places: list[Place]) -> list[object]:
        return [
            (
                p.number,
                p.started,
                p.session and p.session.id,
                p.ended and (p.ended.id, p.ended.ended_at, p.ended.talk.waited_ms),
            )
            for p in places
        ]

    assert seen(pieces) == seen(whole)


@given(spoken)
def test_every_inbound_message_is_counted_once_and_sessions_never_overlap(said: list[tuple[int, bool, int]]) -> None:
    messages = [a_message(at, inbound=inbound, received=at + lag) for at, inbound, lag in said]
    places, sessions = placed(*messages)

    inbound = [place for place, message in zip(places, messages, strict=True) if message.inbound]
    assert all(place.session is not None for place in inbound)
    assert sum(session.messages_from_contact for session in sessions) == len(inbound)
    for session in sessions:
        numbers = [place.number for place in places if place.session is session]
        assert numbers == list(range(1, session.message_count + 1))
        if session.status == "ended":
            assert session.ended_at is not None and session.ended_at >= session.started_at
            assert session.ended_at == max(session.timeout_at, session.started_at)
    assert sum(session.status == "active" for session in sessions) <= 1


@given(st.permutations(range(0, 28, 4)), st.permutations([True, True, False, False, True, False]))
def test_within_one_attendance_the_order_of_arrival_changes_no_count(order: list[int], sides: list[bool]) -> None:
    inbound = dict(zip(range(4, 28, 4), sides, strict=True))
    opener = a_message(0)
    rest = [a_message(at, inbound=inbound[at]) for at in order if at]

    _, (session,) = placed(opener, *rest)

    assert (session.messages_from_contact, session.messages_from_agent) == (4, 3)
    assert session.first_message_at == NOON
    assert session.last_message_at == NOON + timedelta(minutes=24)
    assert session.timeout_at == NOON + timedelta(minutes=54)
