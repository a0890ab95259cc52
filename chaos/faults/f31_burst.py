"""31. Ten times as much for half a minute: accepted, or shed by 429 and 503; what was accepted is stored soon after."""

import asyncio
import random

from load import Load
from memory import resident_mb
from scenario import Bites, Scenario
from stand import LINE, Stand

USUAL_PER_S = 30.0
TIMES = 10
SECONDS = 30.0
ANSWERED_WITHIN_S = 2.0
MOST_MB = 300.0


async def burst(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let ten times as many arrive."""
    answered, accepted = len(load.answers), load.accepted
    load.per_second = USUAL_PER_S * TIMES
    await asyncio.sleep(SECONDS)
    load.per_second = USUAL_PER_S
    during = load.answers[answered:]
    strange = {each.status for each in during} - {200, 429, 503}
    assert not strange, f"the door answered {strange}"
    took = sorted(each.took_s for each in during if each.status == 200)
    slow_s = took[int(len(took) * 0.99)]
    assert slow_s < ANSWERED_WITHIN_S, f"the 99th of a hundred webhooks waited {slow_s:.1f} s"
    for name in LINE:
        grown = resident_mb(stand.process(name).pid)
        assert grown < MOST_MB, f"{name} holds {grown:.0f} MB"
    rate = (load.accepted - accepted) / SECONDS
    assert rate > USUAL_PER_S * TIMES * 0.5, f"only {rate:.0f}/s were accepted"
    return {"accepted/s": round(rate), "times the usual": round(rate / USUAL_PER_S, 1), "p99 ms": round(slow_s * 1000)}


SCENARIOS = (Scenario(31, "burst", "Ten times the load for 30 s", burst, per_second=USUAL_PER_S),)
