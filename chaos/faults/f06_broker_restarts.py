"""6. The broker stops and starts, cleanly and by kill -9 of its VM. The outbox absorbs it: the door goes on answering."""

import asyncio
import random

from load import Load
from scenario import Bites, Scenario
from stand import Stand


async def stopped(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Stop the application inside the node for a few seconds, and start it again."""
    marks, refused = stand.log_marks(), sum(load.refused.values())
    await stand.control("stop_app")
    await asyncio.sleep(dice.uniform(4, 7))
    await stand.control("start_app")
    assert sum(load.refused.values()) == refused, "the door is none of the broker's business"
    return {"publishings refused": stand.said_since(marks, "publishing was refused")}


async def killed(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Kill the recorded pid of its VM; the supervisor starts it again."""
    marks, refused = stand.log_marks(), sum(load.refused.values())
    await stand.kill("rabbitmq")
    await stand.all_back()
    assert sum(load.refused.values()) == refused, "the door is none of the broker's business"
    return {"kills": stand.kills["rabbitmq"], "publishings refused": stand.said_since(marks, "publishing was refused")}


SCENARIOS = (
    Scenario(6, "broker-stopped", "Broker stopped and started", stopped),
    Scenario(6, "broker-killed", "Broker's VM killed", killed),
)
