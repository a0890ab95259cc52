"""Finding the highest rate that holds."""

import math
from collections.abc import Callable

STEP = 1.25
CLOSE_ENOUGH = 1.05
LOWEST = 10.0


def highest(holds: Callable[[float], bool], begin: float) -> float:
    """Return the highest rate found that holds, within 5 %: by steps of a quarter to one that holds and one that does not, then between.

    Raises SystemExit where not even 10/s hold.
    """
    good, bad, rate = 0.0, math.inf, begin
    while not good or bad / good > CLOSE_ENOUGH:
        if holds(rate):
            good = rate
        else:
            bad = rate
        if bad < LOWEST:
            raise SystemExit(f"not even {bad:.0f} messages a second hold")
        if not good:
            rate = bad / STEP
        elif math.isinf(bad):
            rate = good * STEP
        else:
            rate = math.sqrt(good * bad)
    return good
