"""Slowing down whoever guesses passwords: counted per account and address, so that nobody locks anybody else out."""

import hashlib
from datetime import datetime, timedelta

FIRST_DELAYED = 5
MOST_FAILURES = 10
BLOCKED_FOR = timedelta(minutes=15)
WARNED_OF = 100
"""Failures from all addresses together, without an hour of quiet, after which an account's owner is told."""

FORGOTTEN_AFTER = timedelta(hours=1)
"""Failures that lie that far back count no longer."""


def delay_s(failures: int) -> float:
    """Return how long the answer waits after that many failures: 1, 2, 4, 8, 16 seconds from the fifth to the ninth.

    The tenth is told to come back later, at once.
    """
    return 2.0 ** (failures - FIRST_DELAYED) if FIRST_DELAYED <= failures < MOST_FAILURES else 0.0


def who(email: str, address: str) -> bytes:
    """Return the key that failures are counted under. A hash: whose failures these were is nobody's business."""
    return hashlib.sha256(f"{email}\x00{address}".encode("utf-8", "surrogateescape")).digest()


def seconds_left(blocked_until: datetime, now: datetime) -> int:
    """Return the whole seconds until another attempt is looked at, at least 1."""
    return max(1, -int((now - blocked_until).total_seconds() // 1))
