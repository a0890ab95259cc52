"""2. Kill -9 of a relay after the look, before and after the confirm, before and after the mark.

What was confirmed and not struck off is published again: duplicates on the wire, none in the tables.
"""

import random

from lives import die_at, met_again
from load import Load
from scenario import Bites, Scenario
from stand import Stand

NEXT = {"channel-gateway": "contact", "contact": "session", "session": "messaging"}
"""Whose relay is killed → who hears what it publishes twice."""
STEPS = ("relay.after_look", "relay.before_confirm", "relay.after_confirm", "relay.before_mark", "relay.after_mark")


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let the relay of one service die once at each step, in a drawn order."""
    service = dice.choice(sorted(NEXT))
    before = await met_again(stand)
    bites = await die_at(stand, service, dice.sample(STEPS, len(STEPS)), dice)
    return {**bites, "events met again": await met_again(stand) - before}


SCENARIOS = (Scenario(2, "relay-killed", "Relay killed around confirm and mark", break_it),)
