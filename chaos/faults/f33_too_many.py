"""33. Two relays and two consumers of every partition by mistake: copies of a service with the same place among the replicas.

One leads and one consumes, whatever was started; then the first is killed, and the copy takes over from it.
"""

import random

from lives import pause
from load import Load
from scenario import Bites, Scenario
from stand import Stand
from testkit.eventually import eventually


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Start a copy of a service beside it, let both be there for a while, and kill the first."""
    service = dice.choice(("contact", "session", "messaging"))
    async with stand.beside(service) as copy:
        await pause(dice, 3, 5)
        both = await stand.queues_of(service, consumers=2)
        leaders = await stand.counted("outbox_relay_leader", service) + await stand.counted("outbox_relay_leader", copy)
        assert leaders == 1, f"{leaders:.0f} relays lead"
        await stand.kill(service)

        async def leads() -> bool:
            return await stand.counted("outbox_relay_leader", copy) == 1

        await eventually(leads, within_s=15, every_s=0.2, because="the copy leads")
        published = await stand.counted("outbox_published_total", copy)
        await pause(dice, 3, 5)
        took_over = await stand.counted("outbox_published_total", copy) - published
        await stand.all_back()
    return {f"queues of {service} with two consumers": both, "events published by the copy": took_over}


SCENARIOS = (Scenario(33, "too-many", "Second relay and second consumers by mistake", break_it),)
