"""3. Kill -9 of a consumer before its transaction, inside it, after the commit before the ack, and after the ack."""

import random

from lives import DIES_WITHIN_S, met_again
from load import Load
from scenario import Bites, Scenario
from stand import LINE, Stand
from testkit.eventually import eventually

STEPS = ("consumer.before_transaction", "consumer.before_commit", "consumer.before_ack", "consumer.after_ack")
AFTER_COMMIT = "consumer.after_commit"
HEARERS = tuple(name for name in LINE if name not in ("channel-gateway", "pipeline-automation"))


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let one service die once at each step; the last time after a commit that was not acked, so that it must meet that again."""
    service, bites = dice.choice(HEARERS), {}
    async with stand.in_place_of(service) as ours:
        for step in (*dice.sample(STEPS, len(STEPS)), AFTER_COMMIT):
            ours.start(CRASH_AT=f"{step}:{dice.randint(1, 8)}")
            await ours.until_ready_or_dead()
            bites[f"{service} at {step}"] = int(await ours.died(DIES_WITHIN_S))
        ours.start()
        await ours.until_ready()
        seen = await eventually(lambda: met_again(stand, ours), within_s=10, because="what was not acked comes again")
        bites["events met again"] = seen
    return bites


SCENARIOS = (Scenario(3, "consumer-killed", "Consumer killed around its transaction and ack", break_it),)
