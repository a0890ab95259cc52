"""1. Kill -9 of the door between insert, commit and answer. Whoever was not answered repeats; whoever was answered is stored."""

import random

from lives import die_at
from load import Load
from scenario import Bites, Scenario
from stand import Stand

STEPS = ("ingress.before_commit", "ingress.after_commit", "ingress.before_answer")


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let it die once at each step, in a drawn order; a pass before the commit is a whole flush, with all who wait for it."""
    steps = dice.sample(STEPS, len(STEPS))
    before = load.refused[0]
    bites = await die_at(stand, "channel-gateway", steps, dice, most_passes=40)
    return {**bites, "connections broken": load.refused[0] - before}


SCENARIOS = (Scenario(1, "ingress-killed", "Door killed between insert, commit and answer", break_it),)
