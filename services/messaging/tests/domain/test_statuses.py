"""A status never moves backwards, whatever is reported and in whichever order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messaging.domain.status import FINAL, RANKS, STATUSES, after, comes_too_late, may_become, status_of_level

statuses = st.sampled_from(STATUSES)
levels = st.integers(-3, 7)


@given(statuses, st.lists(statuses))
def test_a_status_never_moves_backwards(start: str, reports: list[str]) -> None:
    status = start
    for reported in reports:
        before, status = status, after(status, reported)
        if status != before:
            assert before not in FINAL
            assert status in FINAL or RANKS[status] > RANKS[before] or (before, status) == ("queued", "unknown")


@given(st.permutations([0, 1, 2, 3, 4]), st.integers(1, 5))
def test_the_highest_receipt_wins_in_every_order(order: list[int], taken: int) -> None:
    status = "queued"
    for level in order[:taken]:
        reported = status_of_level(level)
        assert reported is not None
        status = after(status, reported)

    assert RANKS[status] == max(RANKS[status_of_level(level) or ""] for level in order[:taken])


@given(st.lists(levels))
def test_whoever_was_delivered_to_never_fails(reports: list[int]) -> None:
    status = "delivered"
    for level in reports:
        status = after(status, status_of_level(level) or status)

    assert status in ("delivered", "read", "played")


@pytest.mark.parametrize("status", ["queued", "sent", "unknown", "scheduled"])
def test_what_has_not_arrived_may_fail(status: str) -> None:
    assert after(status, "failed") == "failed"


def test_only_evidence_resolves_an_unknown_outcome() -> None:
    assert after("unknown", "sent") == "sent"
    assert after("unknown", "queued") == "unknown"
    assert not may_become("sent", "unknown")


@pytest.mark.parametrize("end", sorted(FINAL))
def test_nothing_follows_an_end_but_a_late_receipt_is_noticed(end: str) -> None:
    assert [after(end, status) for status in STATUSES] == [end] * len(STATUSES)
    assert comes_too_late(end, "delivered")
    assert not comes_too_late(end, "failed")


def test_levels_that_whatsapp_does_not_have_yet_mean_nothing() -> None:
    assert status_of_level(5) is None
    assert status_of_level(-2) is None
