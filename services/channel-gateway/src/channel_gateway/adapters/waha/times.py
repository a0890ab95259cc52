"""WhatsApp's times come in seconds, milliseconds and finer, whole, broken or as digits in strings. Rule: guide 7.12.

Go writes some as RFC 3339, with 0001-01-01 for none.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from channel_gateway.adapters.waha.reading import number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = 100_000_000, 4_102_444_800  # 1973 and 2100, in seconds: what lies outside is no time
_MICROSECONDS_PER_UNIT = (
    # numbers below this limit, are of this unit
    (100_000_000_000, 1_000_000),  # seconds
    (100_000_000_000_000, 1_000),  # milliseconds
    (100_000_000_000_000_000, 1),  # microseconds
)


def moment(value: Any) -> datetime | None:
    """Return the aware UTC time that a number means, by its size; None for what cannot be a time.

    Broken seconds are cut to whole ones; milliseconds stay.
    """
    found = number(value)
    return _written_out(value) if found is None else _counted(int(found))


def _counted(whole: int) -> datetime | None:
    for limit, microseconds in _MICROSECONDS_PER_UNIT:
        if whole < limit:
            since_epoch = whole * microseconds
            break
    else:
        since_epoch = whole // 1_000  # nanoseconds
    if not _EARLIEST <= since_epoch // 1_000_000 < _LATEST:
        return None
    return _EPOCH + timedelta(microseconds=since_epoch)


def _written_out(value: Any) -> datetime | None:
    """Return the time of an RFC 3339 text with an offset."""
    try:
        written = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if written is None or written.tzinfo is None or not 1974 <= written.year < 2100:
        return None
    return _counted(int(written.timestamp() * 1_000))
