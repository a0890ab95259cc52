"""4. Kill -9 of the process with side effects: before the call to WAHA, and after it before its outcome is written.

Sends are this product's activities with an effect outside; the timekeeper's only writes to its own database (fault 20).
"""

import random

from lives import die_at
from load import Load
from scenario import Bites, Scenario
from stand import Stand

STEPS = ("send.after_begin", "send.before_call", "send.after_call")


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let the sender die once at each step; the last time after the call, so that there is an outcome that nobody wrote down."""
    steps = (*dice.sample(STEPS, len(STEPS)), "send.after_call")
    return await die_at(stand, "channel-gateway", steps, dice, most_passes=4)


SCENARIOS = (
    Scenario(
        4,
        "sender-killed",
        "Sender killed around the call to WAHA",
        break_it,
        sends=True,
        tenants=3,
        chats_each=10,
        per_second=30,
        sends_per_second=6,
    ),
)
