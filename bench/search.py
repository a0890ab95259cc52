"""Finding the highest rate that holds."""

import math
from collections.abc import Callable
from typing import Any

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


def climb(try_rate: Callable[[float], dict[str, Any]], begin: float, most: float) -> dict[str, Any]:
    """Return the figures of the highest rate that holds, doubling from `begin` to `most` and then halving the gap once; and all that was tried.

    Fewer and coarser steps than the line's search: what does not hold here takes a minute to end.
    """
    steps = [try_rate(begin)]
    while not steps[-1]["why_not"] and steps[-1]["per_s"] < most:
        steps.append(try_rate(min(steps[-1]["per_s"] * 2, most)))
    if steps[-1]["why_not"] and len(steps) > 1:
        steps.append(try_rate(steps[-2]["per_s"] * 1.4))
    held = [step for step in steps if not step["why_not"]]
    best = max(held, key=lambda step: float(step["per_s"])) if held else {"per_s": 0.0}
    return {"sustained_per_s": best["per_s"], **best, "steps": steps}
