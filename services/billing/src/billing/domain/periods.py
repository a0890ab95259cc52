"""Hours, days and months in UTC, and the whole periods that a question reaches."""

from datetime import UTC, datetime, timedelta

from kernel.errors import DomainError, FieldError

DAY, MONTH = "day", "month"
MOST_DAYS = 366
"""The longest stretch that can be asked for by day; by month it is ten times as long."""
_INSTANT = timedelta(microseconds=1)


def hour_number(at: datetime) -> int:
    """Return the hour that `at` lies in, as hours since 1970 in UTC: numbers are much cheaper to count by than times."""
    return int(at.timestamp() // 3600)


def day_number(hour: int) -> int:
    """Return the day that an hour lies in, as days since 1970 in UTC."""
    return hour // 24


def start_of(period: str, at: datetime) -> datetime:
    """Return the beginning of the day or month that `at` lies in."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if period == DAY else day.replace(day=1)


def end_of(period: str, start: datetime) -> datetime:
    """Return the end of the day or month that begins at `start`, which is the beginning of the next one."""
    if period == DAY:
        return start + timedelta(days=1)
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def whole_periods(
    period: str, begin: datetime | None, end: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """Return the whole days or months that [begin, end) touches; nothing given means the present month.

    Raises DomainError for an end that is not after the beginning, and for more than can be answered at once.
    """
    if begin is None:
        begin = start_of(MONTH, now if end is None else min(now, end - _INSTANT))
    if end is None:
        end = max(now, begin) + _INSTANT
    if end <= begin:
        raise _refused("the end must be after the beginning")
    if end - begin > timedelta(days=MOST_DAYS * (1 if period == DAY else 10)):
        raise _refused(f"at most {MOST_DAYS} days, or ten times as long by month")
    return start_of(period, begin), end_of(period, start_of(period, end - _INSTANT))


def _refused(detail: str) -> DomainError:
    return DomainError(
        "validation_failed", "1 query field needs attention", fields=(FieldError("?to", "out_of_range", detail),)
    )
