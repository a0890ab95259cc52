"""16. Connections are dead and nobody says so: noticed by heartbeats and deadlines, and replaced."""

import asyncio
import random
import time

from load import Load
from proxy import PROXIED, PROXIED_PER_SECOND
from scenario import Bites, Scenario
from stand import Stand
from testkit.eventually import eventually

AMQP_WITHIN_S = 36.0
"""Heartbeats of 10 s are missed for 33 s at most; the rest is closing."""
POSTGRES_WITHIN_S = 25.0
"""A statement waits for 15 s (10 s in the server and 5 s of grace), and the next one may get another dead connection of the pool."""
CALM = 20
"""So many answers in a row are 2xx once the dead connections are found out."""


async def broker(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Abandon all connections to the broker; every client must give each of them up."""
    proxy = stand.proxies["rabbitmq"]
    refused = sum(load.refused.values())
    abandoned, began = proxy.half_open(), time.monotonic()

    async def all_noticed() -> bool:
        return proxy.unnoticed() == 0

    await eventually(
        all_noticed, within_s=AMQP_WITHIN_S, every_s=0.2, because="every dead connection to RabbitMQ is given up"
    )
    noticed_s = time.monotonic() - began
    assert sum(load.refused.values()) == refused, "the door is none of the broker's business"
    return {"half-open connections": abandoned, "seconds until noticed": round(noticed_s, 1)}


async def postgres(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Abandon all connections to Postgres; the door must answer 2xx again, and messages must be stored."""
    proxy = stand.proxies["postgres"]
    before, answered = proxy.connections, len(load.answers)
    abandoned, began = proxy.half_open(), time.monotonic()

    async def calm() -> bool:
        last = load.answers[answered:][-CALM:]
        return len(last) == CALM and all(each.status == 200 for each in last) and proxy.connections > before

    await asyncio.sleep(1)
    await eventually(calm, within_s=POSTGRES_WITHIN_S, every_s=0.1, because="the door answers 2xx again")
    calm_s = time.monotonic() - began
    new = proxy.connections - before
    return {"half-open connections": abandoned, "connections made anew": new, "seconds until calm": round(calm_s, 1)}


SCENARIOS = (
    Scenario(
        16, "broker-half-open", "Half-open connections to RabbitMQ", broker, PROXIED, per_second=PROXIED_PER_SECOND
    ),
    Scenario(
        16, "postgres-half-open", "Half-open connections to Postgres", postgres, PROXIED, per_second=PROXIED_PER_SECOND
    ),
)
