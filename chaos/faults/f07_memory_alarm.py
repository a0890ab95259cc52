"""7. The broker's memory alarm: publishers are blocked, acks still flow, and the door does not notice."""

import random

from broker_alarm import alarmed
from load import Load
from scenario import Bites, Scenario
from stand import Stand


async def short_of_memory(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let the node believe that it may have one megabyte."""
    begin = ("set_vm_memory_high_watermark", "absolute", "1MB")
    end = ("set_vm_memory_high_watermark", "absolute", "1GB")  # as local-stack configures it
    return await alarmed(stand, load, "memory", begin, end, dice.uniform(18, 22))


SCENARIOS = (Scenario(7, "memory-alarm", "Broker's memory alarm", short_of_memory),)
