"""37. A deployment under load: a migration that expands a table, then every service restarts in turn; the door has two replicas."""

import asyncio
import random
import time

from load import Load
from observed import Database
from scenario import Bites, Scenario
from stand import LINE, Stand
from testkit.eventually import eventually

TABLES = (("contact", "contacts"), ("session", "sessions"), ("messaging", "messages"), ("channel_gateway", "channels"))


async def restart(stand: Stand, name: str) -> None:
    """Ask a process to stop, as a deployment does; the supervisor starts it again."""
    process = stand.process(name)
    await asyncio.to_thread(process.stop, 27)
    await eventually(lambda: asyncio.to_thread(stand.ready, name), within_s=20, every_s=0.1, because=f"{name} is back")


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Restart everybody once, in a drawn order. The balancer stops sending to a door before that is asked to stop."""
    database, refused = Database(stand.product, load.tenants), sum(load.refused.values())
    longest, restarts = 0.0, 0
    try:
        for schema, table in TABLES:
            await database.expand(schema, table)
        async with stand.beside("channel-gateway") as second:
            first_door = load.door_of
            own, theirs = stand.door_address(), second.url
            load.door_of = lambda tenant: tenant.webhook_url.replace(own, theirs)
            for name in dice.sample(LINE, len(LINE)):
                began = time.monotonic()
                await restart(stand, name)
                longest, restarts = max(longest, time.monotonic() - began), restarts + 1
            load.door_of = first_door
            await asyncio.sleep(0.5)  # what the balancer had sent to it already
    finally:
        for schema, table in TABLES:
            await database.contract(schema, table)
        await database.close()
    assert sum(load.refused.values()) == refused, f"the door refused: {dict(load.refused)}"
    return {"restarts": restarts, "longest (s)": round(longest, 1), "tables expanded": len(TABLES)}


SCENARIOS = (Scenario(37, "deploy", "Rolling restart of everything, and a migration that expands", break_it),)
