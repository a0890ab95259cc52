"""What each answer to a send means: waha/guide.md 13.4 and 14, line by line, and what holds for all of them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from channel_gateway.domain.send_outcomes import Answer, Outcome, outcome_of
from channel_gateway.domain.sending import MOST_FAILURES, Attempt, Heard, Patience, change_of
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "verdict", "code"),
    [
        (Answer(201, provider_id="3EB0"), "accepted", None),
        (Answer(200, provider_id="3EB0"), "accepted", None),
        (Answer(201), "unknown", None),
        (Answer(None, left=False), "wait", None),
        (Answer(None, left=True), "unknown", None),
        (Answer(301), "broken", None),
        (Answer(400, words="chatId must be a valid chat id"), "refused", "provider_error"),
        (Answer(401), "broken", None),
        (Answer(403), "broken", None),
        (Answer(404, words="Session not found"), "refused", "channel_disconnected"),
        (Answer(404, words="Cannot POST /api/sendText"), "broken", None),
        (Answer(408), "unknown", None),
        (Answer(413), "refused", "provider_error"),
        (Answer(422, session_status="STARTING"), "wait", None),
        (Answer(422, words="unresolvable number"), "refused", "not_on_whatsapp"),
        (Answer(429), "wait", None),
        (
            Answer(500, words="2 UNKNOWN: no LID found for 5546312345@s.whatsapp.net from server"),
            "refused",
            "not_on_whatsapp",
        ),
        (Answer(500, words="No LID for user"), "refused", "not_on_whatsapp"),
        (Answer(500, words="server returned error 463"), "refused", "reach_out_restricted"),
        (Answer(500, words="server returned error 475"), "refused", "message_cap_reached"),
        (Answer(500, words="failed to send to 5546347512345@c.us"), "unknown", None),
        (Answer(500, words="rate-overlimit"), "wait", None),
        (Answer(500, words="Data passed to getter must include an id property"), "unknown", None),
        (Answer(500, words="Cannot read properties of undefined (reading 'x')"), "unknown", None),
        (Answer(500, words="14 UNAVAILABLE: Connection dropped"), "unknown", None),
        (Answer(500, words="4 DEADLINE_EXCEEDED: Deadline exceeded"), "unknown", None),
        (Answer(500, words="Protocol error: Target closed"), "unknown", None),
        (Answer(500), "unknown", None),
        (Answer(501), "refused", "not_supported_by_channel"),
        (Answer(502), "unknown", None),
        (Answer(503), "unknown", None),
        (Answer(504), "unknown", None),
    ],
)
def test_an_answer_means(answer: Answer, verdict: str, code: str | None) -> None:
    outcome = outcome_of(answer)
    assert outcome.verdict == verdict
    if code is not None:
        assert outcome.code == code


def test_accepted_without_a_name_is_accepted_where_we_named_it() -> None:
    assert outcome_of(Answer(201), reserved_id="3EB0").provider_id == "3EB0"
    assert outcome_of(Answer(201, provider_id="OTHER"), reserved_id="3EB0").provider_id == "OTHER"


def test_limits_on_new_chats_are_told_apart() -> None:
    assert outcome_of(Answer(500, words="463")).restricts == "reach_out_timelock"
    assert outcome_of(Answer(500, words="475")).restricts == "message_cap"


def test_a_pause_lasts_as_long_as_asked() -> None:
    assert outcome_of(Answer(429, retry_after_s=42)).pause_s == 42
    assert outcome_of(Answer(429)).pause_s is not None
    assert outcome_of(Answer(502, retry_after_s=42)).pause_s is None


answers = st.builds(
    Answer,
    status=st.none() | st.integers(100, 599),
    left=st.booleans(),
    words=st.sampled_from(["", "session", "463", "475", "no lid found for x", "unavailable", "boom", "rate-overlimit"]),
    provider_id=st.none() | st.just("3EB0"),
    retry_after_s=st.none() | st.floats(0, 100),
    session_status=st.none() | st.just("STOPPED"),
)


@given(answer=answers, reserved=st.booleans())
def test_whatever_may_have_left_is_never_simply_tried_again(answer: Answer, reserved: bool) -> None:
    outcome = outcome_of(answer, reserved_id="R" if reserved else None)
    silent = answer.status is None and answer.left
    broken = answer.status in (500, 502, 503, 504) and answer.words in ("", "session", "boom", "unavailable")
    if silent or broken:
        assert outcome.verdict == "unknown"
    if outcome.verdict in ("wait", "broken"):
        assert answer.status is None or not 200 <= answer.status < 300
    if outcome.verdict == "accepted":
        assert outcome.provider_id


def attempt_of(**more: Any) -> Attempt:
    usual: dict[str, Any] = {
        "tenant_id": "t",
        "project_id": "p",
        "message_id": "m",
        "channel_id": "c",
        "chat_key": "c:chat",
        "external_chat_id": "5521955550001@c.us",
        "phone": None,
        "content_type": "text",
        "text": "hi",
        "priority": 1,
        "state": "sending",
        "attempts": 1,
        "failures": 0,
        "provider_id": None,
        "provider_ref": None,
        "id_reserved": False,
        "queued_at": NOW,
        "expires_at": NOW + timedelta(hours=24),
        "sending_at": NOW,
        "unknown_since": None,
        "looks": 0,
        "last_error": None,
        "heard": Heard("e", "co", "user:1"),
    }
    return Attempt(**usual | more)


@given(
    answer=answers,
    failures=st.integers(0, 10),
    reserved=st.booleans(),
    doubted=st.booleans(),
    seed=st.integers(),
)
def test_every_outcome_leads_somewhere_and_what_was_doubted_never_waits_as_if_it_had_not_left(
    answer: Answer, failures: int, reserved: bool, doubted: bool, seed: int
) -> None:
    attempt = attempt_of(
        failures=failures,
        provider_id="R" if reserved else None,
        id_reserved=reserved,
        unknown_since=NOW if doubted and reserved else None,
    )
    outcome = outcome_of(answer, reserved_id="R" if reserved else None)
    change = change_of(attempt, outcome, Patience(), random.Random(seed).random)
    assert change.call == attempt.attempts
    assert change.state in ("pending", "accepted", "rejected", "unknown")
    if change.state == "rejected":
        assert change.refusal is not None
    if change.state == "unknown":
        assert change.look_in_s is not None and change.look_in_s >= 0
    if attempt.unknown_since is not None:
        assert change.state != "pending"
    if change.state == "pending":
        assert change.due_in_s > 0
    if outcome.verdict == "unknown":
        assert change.state == "unknown"


def test_it_gives_up_after_five_failures_but_never_because_the_server_is_away() -> None:
    limited, away = outcome_of(Answer(429)), outcome_of(Answer(None, left=False))
    last = attempt_of(failures=MOST_FAILURES - 1)
    assert change_of(last, limited, Patience(), random.random).state == "rejected"
    assert change_of(attempt_of(), limited, Patience(), random.random).state == "pending"
    assert change_of(last, away, Patience(), random.random).state == "pending"


@given(failures=st.integers(0, 5_000), seed=st.integers())
def test_retries_wait_from_one_second_to_one_minute_however_often(failures: int, seed: int) -> None:
    away: Outcome = outcome_of(Answer(None, left=False))
    change = change_of(attempt_of(failures=failures), away, Patience(), random.Random(seed).random)
    longest = min(2 ** min(failures, 10), 60)
    assert longest / 2 <= change.due_in_s <= longest


def test_those_that_failed_together_do_not_come_back_together() -> None:
    away, rand = outcome_of(Answer(None, left=False)), random.Random(1)
    waits = {change_of(attempt_of(failures=6), away, Patience(), rand.random).due_in_s for _ in range(50)}
    assert len(waits) == 50
    assert max(waits) - min(waits) > 20


@given(waited=st.floats(0, 10**6))
def test_a_provider_that_was_away_is_asked_again_soon_at_first_and_every_minute_later(waited: float) -> None:
    again_s = Patience().blind_again_s(waited)
    assert again_s <= 60
    assert again_s == 60 or again_s in (5.0, waited)
