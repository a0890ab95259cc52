"""5. Kill -9 of every process and server, one after the other in a drawn order, before the one before is surely back.

Two senders share the channels, and WAHA is slow, so that whoever is killed has calls open.
"""

import random
import signal

from lives import pause
from load import Load
from scenario import Bites, Scenario
from stand import Stand

SLOW_WAHA = {"api": {"slow": {"probability": 0.3, "seconds": [0.1, 0.6]}}}
SECOND, DOOR = "second sender", "channel-gateway"


FEW = 4


async def kill_some(stand: Stand, load: Load, dice: random.Random, few: int | None = None) -> Bites:
    """Kill all in a drawn order, one every 2 to 3 s; or the door and a few others, each when the last is back."""
    whatsapp = load.tenants[0].whatsapp
    await whatsapp.has_faults({"seed": dice.randrange(1000), **SLOW_WAHA})
    async with stand.beside("channel-gateway", only="work") as sender:
        names = [*stand.everybody(), SECOND]
        if few:  # the door among them, whose callers must notice
            others = [name for name in names if name != DOOR]
            names = [DOOR, *dice.sample(others, few - 1)]
        for name in dice.sample(names, len(names)):
            if name == SECOND:
                assert sender.process is not None
                sender.process.signal(signal.SIGKILL)
                assert await sender.died(10)
                sender.start()
            else:
                await stand.kill(name)
            if few:
                await stand.all_back()
            await pause(dice, *((0.5, 1.0) if few else (2.0, 3.0)))
        await stand.all_back()
    await whatsapp.has_faults({})
    return {"kills": stand.kills.total() + sender.kills, "attempts repeated": load.refused[0] + load.repeated_sends}


async def everybody(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Kill everybody once, also while the one before is still on its way back."""
    return await kill_some(stand, load, dice)


async def a_few(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Kill a few of them, each when the one before is back: what every test run repeats."""
    return await kill_some(stand, load, dice, FEW)


SCENARIOS = tuple(
    Scenario(5, name, title, break_it, sends=True, tenants=3, chats_each=10, per_second=40)
    for name, title, break_it in (
        ("everybody-killed", "Every process and server killed, one every 2 to 3 s", everybody),
        ("few-killed", "Door and three others killed, each when the last is back", a_few),
    )
)
