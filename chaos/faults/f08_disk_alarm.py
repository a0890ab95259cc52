"""8. The broker's disk alarm: as the one of memory. The disk is not filled; the node is told to want more than there is."""

import random

from broker_alarm import alarmed
from load import Load
from scenario import Bites, Scenario
from stand import Stand


async def short_of_disk(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let the node want 999 GB free."""
    end = ("set_disk_free_limit", "50MB")  # as local-stack configures it
    return await alarmed(stand, load, "disk", ("set_disk_free_limit", "999GB"), end, dice.uniform(18, 22))


SCENARIOS = (Scenario(8, "disk-alarm", "Broker's disk alarm", short_of_disk),)
