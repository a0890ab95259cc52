"""Reports about a message in any order, repeated at will: it never moves backwards, ends stay ends, each step is told once."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messaging.domain.acknowledgement import take_receipt
from messaging.domain.progress import FAILED_BY_ACK, Failure, Progress, Report, Tracked
from messaging.domain.status import ACCEPTED, FINAL, NEXT, RANKS, STATUSES, after

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REPORTED = ("sent", "delivered", "read", "played", "failed", "unknown", "cancelled")
reports = st.lists(st.sampled_from(REPORTED), max_size=12)


def a_message(status: str = "queued") -> Tracked:
    sent_at = NOON if status in ACCEPTED else None
    return Tracked(
        "t", "m", "p", "c", "key", "channel", None, None, None, None, False, "agent", "a", "manual", status, NOON, 1, sent_at, None, "{}"
    )  # fmt: skip


def apply(message: Tracked, names: list[str] | tuple[str, ...]) -> Progress:
    progress = Progress()
    for minute, name in enumerate(names):
        failure = Failure("provider_error", "no") if name == "failed" else None
        progress.report(message, Report(name, NOON + timedelta(minutes=minute), None, failure))
    return progress


@given(st.sampled_from(("queued", "unknown", "sent")), reports)
def test_a_message_never_moves_backwards(start: str, names: list[str]) -> None:
    message = a_message(start)

    progress = apply(message, names)

    steps = [rise.status for rise in progress.rises]
    ranks = [RANKS.get(status, 9) for status in [start, *steps]]
    assert ranks == sorted(set(ranks))
    assert message.status == (steps[-1] if steps else start)
    assert all(status not in FINAL for status in steps[:-1]), "nothing follows an end"


@given(reports)
def test_that_it_was_sent_is_told_once_and_first(names: list[str]) -> None:
    message = a_message()

    told = [rise.status for rise in apply(message, names).rises]

    assert len(told) == len(set(told))
    if set(told) & ACCEPTED:
        accepted = [status for status in told if status in ACCEPTED]
        assert accepted[0] == "sent"
        assert (message.sent_at is None) is ("sent" not in told)


@given(st.sets(st.sampled_from(("unknown", "sent", "delivered", "read", "played")), min_size=1), st.data())
def test_the_end_is_the_same_in_every_order_as_long_as_nothing_failed(names: set[str], data: st.DataObject) -> None:
    order = data.draw(st.permutations(sorted(names)))
    repeats = data.draw(st.lists(st.sampled_from(sorted(names)), max_size=5))

    message = a_message()
    apply(message, [*order, *repeats])

    assert message.status == max(names, key=RANKS.__getitem__)


@given(reports, reports)
def test_repeating_what_was_said_changes_nothing(names: list[str], more: list[str]) -> None:
    once, twice = a_message(), a_message()
    apply(once, names)
    again = apply(twice, [*names, *names]).rises

    assert twice.status == once.status
    assert [rise.status for rise in again] == [rise.status for rise in apply(a_message(), names).rises]


@given(st.sampled_from(sorted(FINAL)), reports)
def test_an_end_stays_and_keeps_the_furthest_late_report(end: str, names: list[str]) -> None:
    message = a_message(end)

    apply(message, names)

    accepted = [name for name in names if name in ACCEPTED]
    assert message.status == end
    assert message.late_ack == (max(accepted, key=RANKS.__getitem__) if accepted else None)


@pytest.mark.parametrize("order", list(permutations(("sent", "delivered", "failed"))))
def test_a_failure_counts_only_where_nobody_has_received_it(order: tuple[str, ...]) -> None:
    message = a_message()
    apply(message, order)

    delivered_first = order.index("delivered") < order.index("failed")
    assert message.status == ("delivered" if delivered_first else "failed")
    assert (message.failure is not None) is not delivered_first


def test_only_a_cancel_cancels_and_only_what_has_not_begun() -> None:
    assert {status for status in STATUSES if "cancelled" in NEXT[status]} == {"scheduled", "queued"}
    for status in ("unknown", "sent", "delivered"):
        message = a_message(status)
        apply(message, ["cancelled"])
        assert message.status == status


@given(st.lists(st.integers(-2, 6), max_size=8))
def test_receipts_of_every_level_do_what_the_table_says(levels: list[int]) -> None:
    message, status = a_message(), "queued"
    progress = Progress()
    for level in levels:
        take_receipt(progress, message, level, NOON, None)
        named = {-1: "failed", 0: "queued", 1: "sent", 2: "delivered", 3: "read", 4: "played"}.get(level)
        status = after(status, named) if named else status

    assert message.status == status
    assert message.failure == (FAILED_BY_ACK if status == "failed" else None)


@pytest.mark.parametrize(
    ("ours", "echo", "after_it"),
    [
        ("queued", "sent", "sent"),
        ("unknown", "read", "read"),
        ("sent", "delivered", "delivered"),
        ("failed", "sent", "failed"),
    ],
)
def test_an_echo_that_passed_hands_over_how_far_it_came_and_tells_nobody(ours: str, echo: str, after_it: str) -> None:
    message, passed = a_message(ours), a_message("sent")
    passed.status, passed.sender_kind = echo, "phone"
    progress = Progress()

    progress.absorb(message, passed)
    progress.report(message, Report("sent", NOON, None))

    assert (message.status, progress.rises) == (after_it, [])
    assert message.late_ack == ("sent" if ours == "failed" else None)
