"""34. Somebody takes the same contacts in the opposite order: the batch is the one that is told of the deadlock, and is repeated whole."""

import asyncio
import random
import time

from database_harm import cross_the_line
from load import Load
from scenario import Bites, Scenario
from stand import Stand

SECONDS = 25.0


async def deadlocks(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Cross the line's way again and again."""
    tenants = [tenant.tenant_id for tenant in load.tenants]
    before = await stand.counted("batch_repeats_total", "contact", 'class="conflict"')
    crossed, until = 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        crossed += await cross_the_line(stand.product, tenants)
        await asyncio.sleep(dice.uniform(0.05, 0.3))
    repeated = await stand.counted("batch_repeats_total", "contact", 'class="conflict"') - before
    return {"crossed": crossed, "batches repeated after a deadlock": repeated}


# Few customers who write much, so that most batches hold several messages of the same contacts.
SCENARIOS = (Scenario(34, "deadlocks", "Deadlocks between batches", deadlocks, tenants=1, chats_each=8, per_second=80),)
