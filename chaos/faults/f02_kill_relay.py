"""2. Kill -9 of a relay after the look, before and after the confirm, before and after the mark.

What was confirmed and not struck off is published again: duplicates on the wire, none in the tables.
"""

import random
from collections.abc import Sequence

from lives import die_at, met_again
from load import Load
from scenario import Bites, Scenario
from stand import Stand

NEXT = {"channel-gateway": "contact", "contact": "session", "session": "messaging"}
"""Whose relay is killed → who hears what it publishes twice."""
STEPS = ("relay.after_look", "relay.before_confirm", "relay.after_confirm", "relay.before_mark", "relay.after_mark")


async def kill(stand: Stand, steps: Sequence[str], dice: random.Random) -> Bites:
    """Let the relay of one service die once at each of these steps."""
    service = dice.choice(sorted(NEXT))
    before = await met_again(stand)
    bites = await die_at(stand, service, steps, dice)
    return {**bites, "events met again": await met_again(stand) - before}


async def everywhere(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """At every step, in a drawn order."""
    return await kill(stand, dice.sample(STEPS, len(STEPS)), dice)


async def after_confirm(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Where it matters most: the broker has it, and nobody has written that down."""
    return await kill(stand, ["relay.before_mark"], dice)


SCENARIOS = (
    Scenario(2, "relay-killed", "Relay killed around confirm and mark", everywhere),
    Scenario(2, "relay-killed-once", "Relay killed between confirm and mark", after_confirm),
)
