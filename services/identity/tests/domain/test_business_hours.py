"""Hours: intervals in their order, each ending after it starts; anything else is named and refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity.domain.business_hours import WEEKDAYS, check_business_hours
from kernel.errors import DomainError

minutes = st.lists(st.integers(0, 24 * 60), unique=True, max_size=12).map(sorted)


def written(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def intervals(points: list[int]) -> list[list[str]]:
    return [[written(start), written(end)] for start, end in zip(points[::2], points[1::2], strict=False)]


days = st.dictionaries(st.sampled_from(WEEKDAYS), minutes.map(intervals))
holidays = st.lists(
    st.fixed_dictionaries({"date": st.dates().map(str)}, optional={"intervals": minutes.map(intervals)})
)


@given(days, holidays)
def test_intervals_in_their_order_are_taken(hours: dict[str, Any], off: list[Any]) -> None:
    check_business_hours({**hours, "holidays": off})


@given(days.filter(lambda hours: any(len(each) > 1 for each in hours.values())))
def test_intervals_out_of_order_or_turned_round_are_not(hours: dict[str, Any]) -> None:
    backwards = {day: each[::-1] for day, each in hours.items()}
    turned = {day: [[end, start] for start, end in each] for day, each in hours.items()}
    for wrong in (backwards, turned):
        with pytest.raises(DomainError, match="validation_failed"):
            check_business_hours(wrong)


@given(
    st.dictionaries(
        st.text(max_size=8), st.recursive(st.none() | st.text(max_size=5) | st.integers(), st.lists, max_leaves=8)
    )
)
def test_whatever_is_sent_is_taken_or_refused_and_nothing_else_happens(hours: dict[str, Any]) -> None:
    try:
        check_business_hours(hours)
    except DomainError as error:
        assert error.code == "validation_failed"
        assert error.fields[0].pointer.startswith("/business_hours/")


@pytest.mark.parametrize(
    ("hours", "pointer"),
    [
        ({"monday": []}, "/business_hours/monday"),
        ({"mon": [["9:00", "18:00"]]}, "/business_hours/mon"),
        ({"mon": [["09:00", "24:01"]]}, "/business_hours/mon"),
        ({"mon": [["09:00", "09:00"]]}, "/business_hours/mon"),
        ({"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}, "/business_hours/mon"),
        ({"mon": [["00:00", "01:00"]] * 13}, "/business_hours/mon"),
        ({"mon": ["09:00"]}, "/business_hours/mon"),
        ({"holidays": [{"date": "2026-02-30"}]}, "/business_hours/holidays/0/date"),
        ({"holidays": [{"date": "20261225"}]}, "/business_hours/holidays/0/date"),
        ({"holidays": [{"date": "2026-12-25", "closed": True}]}, "/business_hours/holidays/0"),
        ({"holidays": ["2026-12-25"]}, "/business_hours/holidays/0"),
        (
            {"holidays": [{"date": "2026-12-25", "intervals": [["18:00", "09:00"]]}]},
            "/business_hours/holidays/0/intervals",
        ),
    ],
)
def test_what_is_wrong_is_named(hours: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DomainError) as told:
        check_business_hours(hours)
    assert [each.pointer for each in told.value.fields] == [pointer]


def test_a_day_may_end_at_midnight() -> None:
    check_business_hours({"mon": [["00:00", "24:00"]], "sun": [], "holidays": []})
