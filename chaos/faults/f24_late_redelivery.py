"""24. A webhook comes again after an hour, a day, 8 and 15 days. Nobody waits so long: the rows that recognise it are made older.

Within 14 days its key is known. Later the service has let go of the key, and what the message became must be known by itself.
"""

import asyncio
import random
import signal
from collections import Counter

from database_harm import AGE_KEYS, KEYS, master
from load import Accepted, Load
from observed import MESSAGE_KEY
from scenario import Bites, Scenario
from stand import Stand
from testkit.eventually import eventually

MOST = 100
DAY_H = 24
WITHIN_H = (1, DAY_H, 8 * DAY_H)
TOO_OLD_H = 15 * DAY_H
DOOR = "channel-gateway"


async def late(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Repeat what was accepted, each time with older keys; the service tidies when it starts, so it is started anew each time."""
    accepted: list[Accepted] = []
    load.on_accepted = accepted.append

    async def enough() -> bool:
        return len(accepted) >= MOST

    await eventually(enough, within_s=20, because=f"{MOST} webhooks accepted")
    load.undo_hooks()
    chosen = accepted[:MOST]
    tenants = sorted({each.chat.tenant.tenant_id for each in chosen})
    keys = [f"{MESSAGE_KEY}{each.op_id}" for each in chosen]
    bites = {}
    async with master(stand.product) as connection:
        for hours in (*WITHIN_H, TOO_OLD_H):
            await connection.execute(AGE_KEYS, tenants, hours, keys)
            if hours >= WITHIN_H[-1]:
                await _start_anew(stand, DOOR)
            left = 0 if hours == TOO_OLD_H else len(chosen)

            async def tidied(left: int = left) -> bool:
                return bool(await connection.fetchval(KEYS, tenants, keys) == left)

            await eventually(tidied, within_s=15, because=f"{left} keys are left after {hours} h")
            known = "queued" if hours == TOO_OLD_H else "duplicate"
            answers = Counter(await asyncio.gather(*(load.again(each) for each in chosen)))
            assert answers == {known: len(chosen)}, f"after {hours} h repeats were answered {dict(answers)}"
            bites[f"after {hours} h"] = answers[known]
    load.expected.accepted_again.update(each.op_id for each in chosen)
    return bites


async def _start_anew(stand: Stand, name: str) -> None:
    before = stand.process(name)
    before.signal(signal.SIGTERM)

    def back() -> bool:
        return not before.alive() and stand.ready(name)

    await eventually(lambda: asyncio.to_thread(back), within_s=30, because=f"{name} is back")


SCENARIOS = (Scenario(24, "late-redelivery", "Webhooks again after up to 15 days", late, tenants=2),)
