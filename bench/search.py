"""Finding the highest rate that holds."""

import math
from collections.abc import Callable
from typing import Any

STEP = 1.25
CLOSE_ENOUGH = 1.05
BETWEEN = 1.4
LOWEST = 10.0
LESS = 0.95
MOST_HOLDS = 8


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


def held(per_s: float, holds: Callable[[float], bool]) -> float | None:
    """Return the highest rate that holds for long, in steps of 5 % up to `per_s`; None where none of some does.

    From 10 % below it, upwards while that holds, else downwards to the first that does: a rate that fails for long leaves much behind.
    """
    best = per_s * LESS**2
    if not holds(best):
        lower = (per_s * LESS**steps for steps in range(3, 2 + MOST_HOLDS))
        return next((rate for rate in lower if holds(rate)), None)
    for rate in (per_s * LESS, per_s):
        if not holds(rate):
            break
        best = rate
    return best


def climb(try_rate: Callable[[float], dict[str, Any]], begin: float, most: float) -> dict[str, Any]:
    """Return the figures of the highest rate that holds (`sustained_per_s`, 0 where none does), and all `steps` that were tried.

    Doubled from `begin` to `most`, or halved where not even that holds, then once between. Fewer and coarser steps than the line's
    search, and from below: what does not hold takes a minute to end where everything is sent in its turn.
    """
    steps = [try_rate(begin)]
    if steps[0]["why_not"]:
        while steps[-1]["why_not"] and steps[-1]["per_s"] / 2 >= LOWEST:
            steps.append(try_rate(steps[-1]["per_s"] / 2))
    else:
        while not steps[-1]["why_not"] and steps[-1]["per_s"] < most:
            steps.append(try_rate(min(steps[-1]["per_s"] * 2, most)))
    held = [step for step in steps if not step["why_not"]]
    if held and len(held) < len(steps):
        steps.append(try_rate(max(step["per_s"] for step in held) * BETWEEN))
        held += [step for step in steps[-1:] if not step["why_not"]]
    best = max(held, key=lambda step: float(step["per_s"])) if held else {"per_s": 0.0}
    return {"sustained_per_s": best["per_s"], **best, "steps": steps}
