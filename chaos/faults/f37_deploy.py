"""37. A deployment under load: a migration that expands a table, then every service restarts in turn; the door has two replicas."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from load import Load
from observed import Database
from scenario import Bites, Scenario
from stand import LINE, Stand

TABLES = (("contact", "contacts"), ("session", "sessions"), ("messaging", "messages"), ("channel_gateway", "channels"))


async def restart(stand: Stand, name: str) -> float:
    """Ask a process to stop, as a deployment does; the supervisor starts it again. Return how many seconds it was away."""
    began, process = time.monotonic(), stand.process(name)
    await asyncio.to_thread(process.stop, 27)
    await stand.until_ready(name, 20)
    return time.monotonic() - began


@asynccontextmanager
async def second_door(stand: Stand, load: Load) -> AsyncIterator[None]:
    """Send everything to a second replica of the door meanwhile, as a balancer does before it lets the first one be stopped."""
    async with stand.beside("channel-gateway") as second:
        first_door, own = load.door_of, stand.door_address()
        load.door_of = lambda tenant: tenant.webhook_url.replace(own, second.url)
        try:
            yield
        finally:
            load.door_of = first_door
            await asyncio.sleep(0.5)  # what the balancer has sent to it already


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Expand tables; then restart everybody once, two at a time, in a drawn order."""
    database, refused = Database(stand.product, load.tenants), sum(load.refused.values())
    took: list[float] = []
    try:
        for schema, table in TABLES:
            await database.expand(schema, table)
        async with second_door(stand, load):
            order = dice.sample(LINE, len(LINE))
            for pair in zip(order[::2], order[1::2], strict=True):
                took += await asyncio.gather(*(restart(stand, name) for name in pair))
    finally:
        for schema, table in TABLES:
            await database.contract(schema, table)
        await database.close()
    assert sum(load.refused.values()) == refused, f"the door refused: {dict(load.refused)}"
    return {"restarts": len(took), "longest in seconds": round(max(took), 1), "tables expanded": len(TABLES)}


SCENARIOS = (
    Scenario(37, "deploy", "Rolling restart of everything, and a migration that expands", break_it, per_second=30),
)
