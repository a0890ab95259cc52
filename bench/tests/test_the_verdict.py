"""Which runs are called sustained: honest ones, and ones that were doctored to look better than they are."""

from dataclasses import replace

import pytest
from verdict import Outcome, backlog, growth, percentiles, slope

RATE, SECONDS = 1000.0, 60
DUE = [number / RATE for number in range(int(RATE * SECONDS))]


def run_with(latencies: list[float | None], **more: float) -> Outcome:
    """Return a run of a minute at 1,000/s: how long each message took, None for one that was never heard."""
    pairs = [(due, took) for due, took in zip(DUE, latencies, strict=True) if took is not None]
    heard = sorted(due + took for due, took in pairs)
    outcome = Outcome(RATE, DUE, heard, [took for _, took in pairs], 0.0, float(SECONDS))
    return replace(outcome, **more)


def test_a_steady_run_is_sustained() -> None:
    outcome = run_with([0.05 + 0.1 * (number % 7) / 7 for number in range(len(DUE))])
    assert outcome.why_not() == []
    assert outcome.sustained_per_s == pytest.approx(RATE)


def test_a_stall_that_is_caught_up_shows_in_the_tail_and_not_in_the_backlog() -> None:
    stalled = [0.05 + max(0.0, 2.0 - (due - 30)) if 30 <= due < 32 else 0.05 for due in DUE]
    reasons = run_with(stalled).why_not()
    assert len(reasons) == 1
    assert "p99" in reasons[0]


def test_a_growing_backlog_is_not_sustained_though_every_message_is_heard_in_the_end() -> None:
    # The line carries 990 of 1,000 a second: after a minute it is 0.6 s behind.
    reasons = run_with([0.01 + due * 0.01 for due in DUE]).why_not()
    assert any("backlog grew" in reason for reason in reasons)


def test_a_growing_backlog_is_not_sustained_though_all_latencies_are_within_bounds() -> None:
    outcome = run_with([0.005 + due * 0.008 for due in DUE])
    p99 = outcome.latency["p99_ms"]
    assert p99 is not None and p99 < 500
    assert [reason for reason in outcome.why_not() if "backlog grew" in reason]


def test_messages_that_never_came_count_as_the_slowest() -> None:
    some_lost: list[float | None] = [None if number % 50 == 0 else 0.05 for number in range(len(DUE))]
    outcome = run_with(some_lost)
    assert outcome.latency == {"p50_ms": 50.0, "p95_ms": 50.0, "p99_ms": None, "max_ms": None}
    reasons = outcome.why_not()
    assert any("98.0% of the messages were heard" in reason for reason in reasons)
    assert any("p99 never" in reason for reason in reasons)


def test_refusals_and_consumers_behind_the_line_count_too() -> None:
    quick: list[float | None] = [0.05] * len(DUE)
    assert run_with(quick, refused=3).why_not() == ["3 webhooks were not answered 200"]
    assert run_with(quick, lag_s=7.5).why_not() == ["a consumer was 7.5 s behind at the end"]


def test_percentiles_are_of_all() -> None:
    assert percentiles([number / 1000 for number in range(1, 101)]) == {
        "p50_ms": 51.0,
        "p95_ms": 96.0,
        "p99_ms": 100.0,
        "max_ms": 100.0,
    }
    assert percentiles([], missing=2)["p50_ms"] is None


def test_the_backlog_is_what_is_due_and_not_heard() -> None:
    assert backlog([0.0, 0.1, 0.2, 0.3], [0.15, 0.25], begins=0.0, ends=0.4, every_s=0.1) == [2, 2, 2, 2]


def test_one_peak_is_no_growth() -> None:
    flat = [100] * 120
    assert growth([*flat[:60], 5000, *flat[61:]]) == pytest.approx(0, abs=200)
    assert growth([10 * number for number in range(120)]) == pytest.approx(1070, abs=1)


def test_a_slope_is_what_is_gained_with_each_step() -> None:
    assert slope([(number / 6, 100 + 0.5 * number / 6) for number in range(60)]) == pytest.approx(0.5)
    assert slope([(1.0, 5.0)]) == 0.0
