"""15. The network between the services and a server is cut, both ways and one way: every wait ends, and it goes on where it stopped."""

import asyncio
import random
from functools import partial

from load import Load
from proxy import PROXIED, PROXIED_PER_SECOND, Way
from scenario import Bites, Scenario
from stand import Stand

REST_S = 3.0


async def cut(server: str, least_s: float, most_s: float, stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Cut it both ways for so long, then each way alone for a third of that."""
    proxy = stand.proxies[server]
    bites = {}
    for name, ways, share in (
        ("both ways", tuple(Way), 1.0),
        ("to the server", (Way.TO_SERVER,), 0.34),
        ("to the client", (Way.TO_CLIENT,), 0.34),
    ):
        held, new = proxy.bites.held, proxy.connections
        proxy.stall(*ways)
        try:
            await asyncio.sleep(dice.uniform(least_s, most_s) * share)
        finally:
            proxy.heal()
        await asyncio.sleep(REST_S)
        bites[f"held {name}"] = proxy.bites.held - held
        if ways == tuple(Way):
            bites["connections made anew"] = proxy.connections - new
    return bites


SCENARIOS = (
    Scenario(
        15,
        "postgres-cut",
        "Network to Postgres cut",
        partial(cut, "postgres", 16, 18),
        PROXIED,
        per_second=PROXIED_PER_SECOND,
    ),
    # Longer than two heartbeats and a half, after which a client gives a silent broker up.
    Scenario(
        15,
        "broker-cut",
        "Network to RabbitMQ cut",
        partial(cut, "rabbitmq", 26, 27),
        PROXIED,
        per_second=PROXIED_PER_SECOND,
    ),
)
