"""23. Webhooks come three times, late, by old times, with lost answers; acks and echoes of our own messages before what they are about."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from load import Accepted, Load
from scenario import Bites, Scenario
from stand import Stand

WEBHOOKS = {
    "duplicate": {"probability": 0.5, "seconds": [0.1, 5.0]},
    "twin": {"probability": 0.2, "seconds": [0.0, 2.0]},
    "reorder": {"probability": 0.4, "seconds": [0.3, 8.0]},
    "lost_answer": {"probability": 0.3},
    "early_ack": {"probability": 0.5, "seconds": [0.2, 3.0]},
}
LATE_S = 15.0
FLOWS_S = 18.0


async def disordered(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let WAHA tell everything of our own messages so, and repeat every customer's message twice within 15 s."""
    whatsapp = load.tenants[0].whatsapp
    await whatsapp.has_faults({"seed": dice.randrange(1_000_000), "webhooks": WEBHOOKS})
    answers: Counter[str] = Counter()
    repeats: set[asyncio.Task[None]] = set()

    async def again(accepted: Accepted) -> None:
        await asyncio.sleep(dice.uniform(0, LATE_S))
        answers[await load.again(accepted)] += 1

    def twice_more(accepted: Accepted) -> None:
        repeats.update(asyncio.create_task(again(accepted)) for _ in range(2))

    load.on_accepted = twice_more
    load.clock = lambda: datetime.now(UTC) - timedelta(seconds=dice.uniform(0, 60))
    try:
        await asyncio.sleep(FLOWS_S)
    finally:
        load.undo_hooks()
    await asyncio.gather(*repeats)
    met = (await whatsapp.faults())["webhooks"]
    await whatsapp.has_faults({})
    assert set(answers) == {"duplicate"}, f"repeats were answered {dict(answers)}"
    return {"repeated": answers["duplicate"]} | {name: fault["injected"] for name, fault in met.items()}


SCENARIOS = (
    Scenario(
        23,
        "webhooks-disordered",
        "Webhooks tripled, late, out of order",
        disordered,
        sends=True,
        tenants=4,
        chats_each=15,
        per_second=30,
        sends_per_second=8,
    ),
)
