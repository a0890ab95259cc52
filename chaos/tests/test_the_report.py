"""What is told of runs: when something is detected, recovered and drained, and the line above the table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from ledger import Ledger
from load import Load
from report import Report, measured
from watch import Watch

NOTHING = cast(Any, None)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """Look at a load of 30/s."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    yield Watch(NOTHING, Load([], ledger, 1, chats_each=0, per_second=30), NOTHING)
    ledger.close()


@pytest.mark.parametrize(
    ("away", "behind", "seen"),
    [([], 30, False), ([], 31, True), (["session"], 0, True), ([], None, False)],
    ids=["well", "a backlog", "somebody is away", "the database did not answer"],
)
def test_a_fault_is_detected_by_who_is_away_or_by_a_backlog(
    watch: Watch, away: list[str], behind: int | None, seen: bool
) -> None:
    watch.began()
    watch.note(away, behind, oldest_s=None if behind is None else 0.0)
    assert (watch.times.detect_s is not None) == seen


def test_nothing_is_detected_before_the_fault(watch: Watch) -> None:
    watch.note(["session"], 500, oldest_s=0.0)
    watch.began()
    watch.note([], 0, oldest_s=0.0)
    assert watch.times.detect_s is None


def test_recovered_is_when_something_is_stored_again_and_drained_is_when_the_backlog_is_gone(watch: Watch) -> None:
    watch.began()
    watch.stored = 10
    watch.ended()
    watch.note([], 400, oldest_s=0.0)
    assert (watch.times.recover_s, watch.times.drain_s) == (None, None)
    watch.stored = 11
    watch.note([], 399, oldest_s=0.0)
    assert watch.times.recover_s is not None
    assert watch.times.drain_s is None
    assert not watch.well_again
    watch.note([], 30, oldest_s=0.0)
    assert watch.well_again
    assert watch.times.backlog == 400


def test_what_waits_in_an_outbox_is_backlog_until_it_is_drained_and_late_afterwards(watch: Watch) -> None:
    watch.began()
    watch.ended()
    watch.stored = 1
    watch.note([], 0, oldest_s=29.4)
    assert watch.times.drain_s is None
    watch.note([], 0, oldest_s=0.2)
    assert watch.well_again
    assert watch.times.late_s == 0.0
    watch.note([], 0, oldest_s=6.0)
    assert watch.times.late_s == 6.0


def test_a_fault_that_ends_before_the_outboxes_were_asked_leaves_the_line_undrained(watch: Watch) -> None:
    watch.began()
    watch.ended()
    watch.stored = 1
    watch.note([], 0, oldest_s=None)
    assert (watch.times.recover_s, watch.times.drain_s) == (None, None)
    watch.note([], 0, oldest_s=13.4)
    assert watch.times.drain_s is None


def test_the_line_above_the_table_says_when_how_and_how_much() -> None:
    first, second = (
        Report(key, "", 1, {}, attempted=600, acknowledged=500, sends=5, liveness=late).as_json()
        for key, late in (("1-a", []), ("2-b", ["late"]))
    )
    assert measured([first | {"on": "2026-11-22"}, second | {"on": "2026-11-21"}]) == (
        "Measured 2026-11-21 to 2026-11-22 on two cores with `make chaos T='--seed 1 --write'` (by `--only`, some at a time):\n"
        "2 scenarios, 1 red; 1,200 webhooks attempted, 1,000 acknowledged, 10 sends."
    )
