"""Who waits for whom: the same in whatever order the messages arrive."""

import random
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session.domain import talk
from session.domain.talk import REMEMBERED, Talk

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

Spoken = tuple[int, bool]


def a_talk(*spoken: Spoken) -> Talk:
    """Return a talk of (seconds after noon, whether we answer)."""
    found = Talk()
    for seconds, answers in spoken:
        found.take(NOON + timedelta(seconds=seconds), answers=answers)
    return found


def stands(found: Talk) -> tuple[int, datetime | None, int]:
    """Return all that a talk tells."""
    return found.waited_ms, found.waiting_since, found.unread


def by_definition(spoken: list[Spoken]) -> tuple[int, datetime | None, int]:
    """Sum up, over our answers, what passed since the first message that was still unanswered."""
    runs = [(answers, [at for at, _ in run]) for answers, run in groupby(sorted(spoken), key=lambda each: each[1])]
    waited = sum(answer[0] - waiting[0] for (theirs, waiting), (ours, answer) in pairwise(runs) if ours and not theirs)
    unanswered = runs[-1][1] if runs and not runs[-1][0] else []
    return 1000 * waited, NOON + timedelta(seconds=unanswered[0]) if unanswered else None, len(unanswered)


def test_a_wait_lasts_from_the_first_unanswered_message_to_the_answer() -> None:
    assert stands(a_talk((0, False), (5, False), (20, True), (30, False), (31, True), (40, False))) == (
        21_000,
        NOON + timedelta(seconds=40),
        1,
    )


def test_an_answer_that_is_heard_of_late_still_answers() -> None:
    assert stands(a_talk((0, False), (30, False), (10, True))) == (10_000, NOON + timedelta(seconds=30), 1)


def test_an_answer_of_the_same_moment_comes_after_what_it_answers() -> None:
    assert stands(a_talk((5, True), (5, False))) == stands(a_talk((5, False), (5, True))) == (0, None, 0)


spoken_in_any_order = st.lists(st.tuples(st.integers(0, 600), st.booleans()), max_size=REMEMBERED).flatmap(
    lambda spoken: st.tuples(st.just(spoken), st.permutations(spoken))
)


@given(spoken_in_any_order, st.integers(0, REMEMBERED))
def test_order_of_arrival_and_being_kept_in_between_change_nothing(
    spoken: tuple[list[Spoken], list[Spoken]], cut: int
) -> None:
    written, arrived = spoken
    first = a_talk(*arrived[:cut])
    again = Talk(first.keep())
    for seconds, answers in arrived[cut:]:
        again.take(NOON + timedelta(seconds=seconds), answers=answers)

    assert stands(again) == by_definition(written)


@given(st.lists(st.tuples(st.integers(0, 3000), st.booleans()), max_size=200), st.randoms(use_true_random=False))
def test_a_long_talk_is_exact_as_long_as_nobody_is_overtaken_by_more_than_are_remembered(
    spoken: list[Spoken], chance: random.Random
) -> None:
    ordered = sorted(spoken)
    block = REMEMBERED // 2
    arrived = []
    for start in range(0, len(ordered), block):
        some = ordered[start : start + block]
        chance.shuffle(some)
        arrived += some
    found = a_talk(*arrived)

    assert stands(found) == by_definition(spoken)
    assert len(found.keep()) <= 3 + REMEMBERED


def test_without_remembering_moments_the_order_would_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "REMEMBERED", 0)

    assert stands(a_talk((0, False), (30, False), (10, True))) != by_definition([(0, False), (30, False), (10, True)])
