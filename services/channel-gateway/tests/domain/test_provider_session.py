"""A channel follows its provider's session by the table, whatever comes in whatever order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from channel_gateway.domain.channel import STATUSES
from channel_gateway.domain.inbound import NewChatLimit, OwnNumber, SessionReport
from channel_gateway.domain.provider_session import STATUS_OF, ProviderSession
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
# domain 6.1, written down once more: from each status, what may follow
MAY_BECOME = {
    "inactive": set(),
    "activating": {"connecting", "active", "error"},
    "connecting": {"active", "disconnected", "error"},
    "active": {"connecting", "disconnected", "error"},
    "disconnected": {"connecting", "active", "error"},
    "error": {"active"},
}
ME = OwnNumber("5548911110000@c.us", "900000000000001@lid", "The Shop")
LOCK = NewChatLimit("reach_out_timelock", active=True, until=NOON)


def session_of(status: str = "active", **more: Any) -> ProviderSession:
    return ProviderSession("t", "p", "c", version=1, status=status, **more)


def report(word: str, seconds: float | None = 0, **more: Any) -> SessionReport:
    at = NOON + timedelta(seconds=seconds or 0)
    return SessionReport(word, None if seconds is None else at, at, **more)


words = st.sampled_from([*STATUS_OF, "HIBERNATING"])
reports = st.builds(
    report,
    words,
    st.none() | st.integers(0, 86_400),
    me=st.none() | st.just(ME),
    limits=st.sampled_from([(), (LOCK,), (replace(LOCK, active=False, until=None),)]),
)


@pytest.mark.parametrize("word", STATUS_OF)
@pytest.mark.parametrize("status", STATUSES)
def test_a_word_moves_a_channel_only_where_the_table_allows_it(status: str, word: str) -> None:
    after = session_of(status).hear(report(word))
    assert after.status == (STATUS_OF[word] if STATUS_OF[word] in MAY_BECOME[status] else status)
    assert after.provider_status == word


@given(st.sampled_from(STATUSES), st.lists(reports, max_size=12))
def test_each_step_is_in_the_table_and_counts_the_version_exactly_when_the_status_changes(
    status: str, heard: list[SessionReport]
) -> None:
    session = session_of(status)
    for each in heard:
        after = session.hear(each)
        assert after.status == session.status or after.status in MAY_BECOME[session.status]
        assert after.version - session.version == (after.status != session.status)
        assert after.hear(each) == after, "twice is once"
        session = after


@given(st.lists(st.tuples(words, st.integers(0, 6 * 86_400)), min_size=1, unique_by=lambda each: each[1]), st.randoms())
def test_the_newest_report_has_the_last_word_in_whatever_order_they_come(
    heard: list[tuple[str, int]], shuffler: Any
) -> None:
    newest = max(heard, key=lambda each: each[1])
    shuffler.shuffle(heard)
    session = session_of()
    for word, seconds in heard:
        session = session.hear(report(word, seconds))
    assert (session.provider_status, session.told_at) == (newest[0], NOON + timedelta(seconds=newest[1]))


def test_of_two_at_the_same_time_the_one_that_comes_later_counts() -> None:
    session = session_of().hear(report("WORKING", limits=(LOCK,)))
    lifted = session.hear(report("WORKING", limits=(replace(LOCK, active=False, until=None),)))
    assert not lifted.limits["reach_out_timelock"].active


def test_who_we_are_and_what_limits_us_stays_known_while_the_session_is_silent_about_it() -> None:
    session = session_of("connecting").hear(report("WORKING", me=ME, limits=(LOCK,)))
    after = session.hear(report("STARTING", 5)).hear(report("WORKING", 6))
    assert (after.me, after.limits, after.external_id) == (ME, {"reach_out_timelock": LOCK}, ME.id)


def test_another_number_takes_over_only_by_working() -> None:
    other = OwnNumber("5548944440000@c.us")
    session = session_of(external_id=ME.id).hear(report("STOPPED", me=other))
    assert session.external_id == ME.id
    assert session.hear(report("WORKING", 1, me=other)).external_id == other.id


def test_a_session_that_failed_is_restarted_but_never_while_new_chats_are_locked() -> None:
    failed = session_of().hear(report("FAILED"))
    assert failed.wants_restart
    assert not session_of().hear(report("UNAUTHORIZED")).wants_restart
    assert not session_of("inactive").hear(report("FAILED")).wants_restart
    locked = replace(LOCK, until=NOON + timedelta(hours=1))
    assert not session_of().hear(report("FAILED", limits=(locked,))).wants_restart
    assert session_of().hear(report("FAILED", 7_200, limits=(locked,))).wants_restart, "the lock has ended"


def test_a_report_is_recognised_by_its_word_its_time_and_what_came_with_it() -> None:
    keys = {report(*each).dedupe_key for each in (("FAILED", 0), ("FAILED", 1), ("WORKING", 0))}
    assert len({*keys, report("FAILED", 0, fingerprint="x").dedupe_key}) == 4
    assert report("FAILED", None).dedupe_key is None, "without a time the same words may come again and mean it"
