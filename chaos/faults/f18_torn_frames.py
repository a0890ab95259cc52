"""18. Connections are reset in the middle of an AMQP frame or a Postgres message: nothing is half applied, and nobody is stuck."""

import asyncio
import random
from functools import partial

from load import Load
from proxy import PROXIED, PROXIED_PER_SECOND, Way
from scenario import Bites, Scenario
from stand import Stand

EACH_WAY_S = 10.0


async def torn(server: str, least: int, most: int, stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Reset every connection, old and new, after a random number of bytes: first of what the services say, then of what they hear."""
    proxy = stand.proxies[server]
    bites = {}
    for way in Way:
        before = proxy.bites.torn
        proxy.tear(way, least, most)
        try:
            await asyncio.sleep(EACH_WAY_S)
        finally:
            proxy.heal()
        bites[f"torn {way.value}"] = proxy.bites.torn - before
    return bites


SCENARIOS = (
    Scenario(
        18,
        "amqp-torn",
        "Resets inside of AMQP frames",
        partial(torn, "rabbitmq", 500, 60_000),
        PROXIED,
        per_second=PROXIED_PER_SECOND,
    ),
    Scenario(
        18,
        "postgres-torn",
        "Resets inside of Postgres messages",
        partial(torn, "postgres", 500, 60_000),
        PROXIED,
        per_second=PROXIED_PER_SECOND,
    ),
)
