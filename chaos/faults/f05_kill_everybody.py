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
SECOND = "second sender"


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Kill everybody once; the next one 2 to 3 s after the last, while that one may still be on its way back."""
    whatsapp = load.tenants[0].whatsapp
    await whatsapp.has_faults({"seed": dice.randrange(1000), **SLOW_WAHA})
    async with stand.beside("channel-gateway", only="work") as sender:
        names = [*stand.everybody(), SECOND]
        for name in dice.sample(names, len(names)):
            if name == SECOND:
                assert sender.process is not None
                sender.process.signal(signal.SIGKILL)
                assert await sender.died(10)
                sender.start()
            else:
                await stand.kill(name)
            await pause(dice, 2, 3)
        await stand.all_back()
    await whatsapp.has_faults({})
    return {
        "kills": stand.kills.total() + sender.kills,
        "connections broken": load.refused[0],
        "sends repeated": load.repeated_sends,
    }


SCENARIOS = (
    Scenario(
        5,
        "everybody-killed",
        "Every process and server killed in turn",
        break_it,
        sends=True,
        tenants=3,
        chats_each=15,
        per_second=50,
    ),
)
