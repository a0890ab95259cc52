"""Waiting longer after each failure, with jitter, so that many waiters do not come back at once."""

import random
from collections.abc import Callable


def doubled_s(first_s: float, times: int, limit_s: float) -> float:
    """Return `first_s` doubled so many times, at most `limit_s`, however often that is."""
    return min(first_s * 2.0 ** min(times, 30), limit_s)


class Backoff:
    """Delays in seconds: `first`, then doubling up to `limit`, each shortened at random by up to half."""

    def __init__(self, first_s: float = 0.1, limit_s: float = 5.0, rand: Callable[[], float] = random.random) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._rand = rand
        self._failures = 0

    def next_s(self) -> float:
        """Return the next delay."""
        delay = doubled_s(self._first_s, self._failures, self._limit_s)
        self._failures += 1
        return delay * (1 - self._rand() / 2)

    def reset(self) -> None:
        """Start over: the last attempt succeeded."""
        self._failures = 0
