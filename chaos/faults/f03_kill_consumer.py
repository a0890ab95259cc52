"""3. Kill -9 of a consumer before its transaction, inside it, after the commit before the ack, and after the ack."""

import random
from collections.abc import Sequence

from lives import DIES_WITHIN_S, met_again
from load import Load
from scenario import Bites, Scenario
from stand import LINE, Stand
from testkit.eventually import eventually

STEPS = ("consumer.before_transaction", "consumer.before_commit", "consumer.before_ack", "consumer.after_ack")
AFTER_COMMIT = "consumer.after_commit"
HEARERS = tuple(name for name in LINE if name not in ("channel-gateway", "pipeline-automation"))


async def kill(stand: Stand, steps: Sequence[str], dice: random.Random) -> Bites:
    """Let one service die once at each step; the last time after a commit that was not acked, so that it must meet that again."""
    service, bites = dice.choice(HEARERS), {}
    async with stand.in_place_of(service) as ours:
        for step in (*steps, AFTER_COMMIT):
            ours.start(CRASH_AT=f"{step}:{dice.randint(1, 8)}")
            await ours.until_ready_or_dead()
            bites[f"{service} at {step}"] = float(await ours.died(DIES_WITHIN_S))
        ours.start()
        await ours.until_ready()
        bites["events met again"] = await eventually(
            lambda: met_again(stand, ours), within_s=10, because="what was not acked comes again"
        )
    return bites


async def everywhere(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """At every step, in a drawn order."""
    return await kill(stand, dice.sample(STEPS, len(STEPS)), dice)


async def after_commit(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Where it matters most: the effects are there, and the broker does not know."""
    return await kill(stand, [], dice)


SCENARIOS = (
    Scenario(3, "consumer-killed", "Consumer killed around its transaction and ack", everywhere),
    Scenario(3, "consumer-killed-once", "Consumer killed between commit and ack", after_commit),
)
