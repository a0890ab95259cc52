"""Waiting longer after each failure, with jitter, so that many waiters do not come back at once."""

import random
from collections.abc import Callable


class Backoff:
    """Delays in seconds: `first`, then doubling up to `limit`, each shortened at random by up to half."""

    def __init__(self, first_s: float = 0.1, limit_s: float = 5.0, rand: Callable[[], float] = random.random) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._rand = rand
        self._failures = 0

    def next_s(self) -> float:
        """Return the next delay."""
        delay = min(self._first_s * 2.0 ** min(self._failures, 30), self._limit_s)
        self._failures += 1
        return delay * (1 - self._rand() / 2)

    def reset(self) -> None:
        """Start over: the last attempt succeeded."""
        self._failures = 0
