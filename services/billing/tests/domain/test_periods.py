"""Days and months: they cover all time without gaps, and a question reaches whole ones."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from billing.domain.account import may_act
from billing.domain.periods import day_number, end_of, hour_number, start_of, whole_periods
from hypothesis import given
from hypothesis import strategies as st
from kernel.errors import DomainError

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone
periods = st.sampled_from(["day", "month"])


@given(periods, times)
def test_every_moment_lies_in_exactly_one_period(period: str, at: datetime) -> None:
    start = start_of(period, at)

    assert start <= at < end_of(period, start)
    assert start_of(period, start) == start
    assert start_of(period, end_of(period, start)) == end_of(period, start)
    assert end_of(period, start) - start in {
        timedelta(days=days) for days in ((1,) if period == "day" else range(28, 32))
    }


@given(periods, times, st.timedeltas(timedelta(microseconds=1), timedelta(days=366)))
def test_a_question_is_answered_in_whole_periods_and_no_more_than_it_touches(
    period: str, begin: datetime, length: timedelta
) -> None:
    first, last = whole_periods(period, begin, begin + length, NOW)

    assert first <= begin < end_of(period, first)
    assert start_of(period, last) == last
    assert start_of(period, last - timedelta(microseconds=1)) < begin + length <= last


@given(times, st.integers(-12, 14))
def test_hours_and_days_are_numbered_in_utc_whatever_the_zone(at: datetime, offset: int) -> None:
    hour = hour_number(at.astimezone(timezone(timedelta(hours=offset))))

    assert datetime.fromtimestamp(hour * 3600, UTC) == at.replace(minute=0, second=0, microsecond=0)
    assert datetime.fromtimestamp(day_number(hour) * 86400, UTC) == start_of("day", at)


def test_nothing_given_means_the_present_month() -> None:
    november, december = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)

    assert whole_periods("month", None, None, NOW) == (november, december)
    assert whole_periods("day", None, None, NOW) == (november, datetime(2026, 11, 22, tzinfo=UTC))
    assert whole_periods("month", None, november, NOW) == (datetime(2026, 10, 1, tzinfo=UTC), november)
    assert whole_periods("month", None, datetime(2026, 3, 5, tzinfo=UTC), NOW)[0] == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("length", [timedelta(0), timedelta(days=-1), timedelta(days=367)])
def test_an_end_before_the_beginning_and_more_than_a_year_of_days_are_refused(length: timedelta) -> None:
    with pytest.raises(DomainError) as refused:
        whole_periods("day", NOW, NOW + length, NOW)

    assert [(each.pointer, each.code) for each in refused.value.fields] == [("?to", "out_of_range")]


def test_an_account_acts_while_active_or_within_its_trial() -> None:
    assert may_act("active", None, NOW)
    assert may_act("pending", NOW + timedelta(days=1), NOW)
    assert not may_act("pending", NOW, NOW)
    assert not may_act("pending", None, NOW)
    assert not may_act("suspended", NOW + timedelta(days=1), NOW)
    assert not may_act("canceled", None, NOW)
