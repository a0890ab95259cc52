"""The search finds the highest rate that holds, from wherever it begins."""

import pytest
from search import climb, held, highest


@pytest.mark.parametrize("truth", [37.0, 812.0, 2150.0, 9000.0])
@pytest.mark.parametrize("begin", [50.0, 2000.0])
def test_within_five_per_cent(truth: float, begin: float) -> None:
    found = highest(lambda rate: rate <= truth, begin)
    assert truth / 1.05 <= found <= truth


def test_a_line_that_carries_nothing_is_said_so() -> None:
    with pytest.raises(SystemExit, match="not even"):
        highest(lambda rate: False, 1000)


@pytest.mark.parametrize(
    ("truth", "asked"),
    [
        (1100, [902, 950, 1000]),
        (970, [902, 950, 1000]),
        (920, [902, 950]),
        (860, [902, 857]),
        (100, [902, 857, 815, 774, 735, 698, 663, 630]),
    ],
)
def test_what_holds_for_long_is_asked_from_below_and_no_rate_that_failed_again(truth: float, asked: list[int]) -> None:
    rates: list[float] = []

    def holds(rate: float) -> bool:
        rates.append(rate)
        return rate <= truth

    found = held(1000, holds)
    assert [round(rate) for rate in rates] == asked
    assert found == max((rate for rate in rates if rate <= truth), default=None)


def test_the_highest_step_that_holds_is_found_from_below() -> None:
    found = climb(lambda rate: {"per_s": rate, "why_not": ["too much"] if rate > 50 else []}, 10, 1000)
    assert found["sustained_per_s"] == 40
    assert [step["per_s"] for step in found["steps"]] == [10, 20, 40, 80, 56]


def test_the_way_down_is_taken_where_the_first_step_does_not_hold() -> None:
    found = climb(lambda rate: {"per_s": rate, "why_not": ["too much"] if rate > 30 else []}, 100, 1000)
    assert found["sustained_per_s"] == 25
    assert [step["per_s"] for step in found["steps"]] == [100, 50, 25, 35]


def test_the_target_is_the_end_of_the_search() -> None:
    found = climb(lambda rate: {"per_s": rate, "why_not": []}, 10, 30)
    assert found["sustained_per_s"] == 30


def test_a_rate_of_zero_is_told_where_nothing_holds() -> None:
    found = climb(lambda rate: {"per_s": rate, "why_not": ["too much"]}, 10, 1000)
    assert found["sustained_per_s"] == 0
