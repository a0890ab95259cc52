"""27. A message that nobody can store, inside of full batches: it is parked alone, its neighbours are not held up, and once the fault
is repaired people apply it, once.
"""

import asyncio
import random
import signal
from collections import Counter

from database_harm import poisoned
from load import Load
from product import Tenant
from scenario import Bites, Scenario
from stand import Stand
from testkit.eventually import eventually

MARKER = "@poison@"
SHARE = 0.04
ROUNDS = 3
PARKED = "/parked-events/messaging"


async def poison(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let batches pile up with some poison in them; then take the poison away, and redrive each event by two people at once."""
    marked: set[str] = set()
    load.on_accepted = lambda accepted: marked.add(accepted.op_id) if MARKER.encode() in accepted.body else None
    load.suffix = lambda: f" {MARKER}" if dice.random() < SHARE else ""
    splits = await stand.counted("batch_splits_total", "messaging")
    messaging = stand.process("messaging")
    async with poisoned(stand.product, MARKER):
        for _ in range(ROUNDS):
            messaging.signal(signal.SIGSTOP)
            await asyncio.sleep(2)
            messaging.signal(signal.SIGCONT)
            await asyncio.sleep(1.5)
        load.suffix = str
        await load.nothing_waits()

        async def all_parked() -> bool:
            return sum([len(await _parked(tenant)) for tenant in load.tenants]) == len(marked)

        await eventually(all_parked, within_s=20, every_s=0.5, because=f"all {len(marked)} poisonous events are parked")
    load.undo_hooks()
    splits = await stand.counted("batch_splits_total", "messaging") - splits
    answers: Counter[int] = Counter()
    for tenant in load.tenants:
        for event in await _parked(tenant):
            assert event["reason"] == "poison", f"parked as {event['reason']}"
            path = f"{PARKED}/{event['id']}/redrive"
            both = await asyncio.gather(*(tenant.ask("POST", path, key=f"{event['id']}-{who}") for who in "ab"))
            answers.update(answer.status_code for answer in both)
    assert answers == {200: len(marked), 409: len(marked)}, f"redrives were answered {dict(answers)}"
    # People decided when they are applied, long after their chats went on.
    load.expected.applied_late |= marked
    return {"batches halved": splits, "parked": len(marked), "second redrives refused": answers[409]}


async def _parked(tenant: Tenant) -> list[dict[str, str]]:
    return await tenant.all(f"{PARKED}?status=parked")


SCENARIOS = (Scenario(27, "poison", "Poisonous events in full batches", poison),)
