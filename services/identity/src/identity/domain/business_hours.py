"""When a project is open: intervals of each weekday in the project's zone, and holidays. Nothing said: always open."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from identity.domain.refusals import refused

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_INTERVALS = 12
MOST_HOLIDAYS = 366
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")


def check_business_hours(hours: Mapping[str, Any]) -> None:
    """Raise validation_failed naming the day. Intervals end after they start and follow each other; 24:00 is a day's end.

    A holiday is `{date}`, closed, or `{date, intervals}`.
    """
    for day, value in hours.items():
        if day == "holidays":
            _check_holidays(value)
        elif day in WEEKDAYS:
            _check_intervals(f"business_hours/{day}", value)
        else:
            raise refused(f"business_hours/{day[:40]}", "unknown_field", "mon to sun, or holidays")


def _check_holidays(holidays: Any) -> None:
    place = "business_hours/holidays"
    if not isinstance(holidays, list) or len(holidays) > MOST_HOLIDAYS:
        raise refused(place, "bad_format", f"at most {MOST_HOLIDAYS} holidays as a list expected")
    for number, holiday in enumerate(holidays):
        if not isinstance(holiday, dict) or not {"date"} <= holiday.keys() <= {"date", "intervals"}:
            raise refused(f"{place}/{number}", "bad_format", "a date, and intervals where it is open")
        if not _is_date(holiday["date"]):
            raise refused(f"{place}/{number}/date", "bad_format", "a date like 2026-12-25 expected")
        _check_intervals(f"{place}/{number}/intervals", holiday.get("intervals", []))


def _check_intervals(place: str, intervals: Any) -> None:
    if not isinstance(intervals, list) or len(intervals) > MOST_INTERVALS:
        raise refused(place, "bad_format", f"at most {MOST_INTERVALS} intervals as a list expected")
    before = ""
    for interval in intervals:
        if not _is_interval(interval) or interval[0] < before:
            raise refused(place, "bad_format", 'intervals like ["09:00", "18:00"] expected, one after the other')
        before = interval[1]


def _is_interval(interval: Any) -> bool:
    if not isinstance(interval, Sequence) or isinstance(interval, str) or len(interval) != 2:
        return False
    start, end = interval
    # Of the same length, so text compares as times do.
    return all(isinstance(each, str) and _TIME.fullmatch(each) for each in interval) and start < end


def _is_date(text: Any) -> bool:
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
