"""9. A queue is full and refuses: what is published is nacked, its rows stay in the outbox, and its lane waits with back-off."""

import asyncio
import random
import signal

from load import Load
from scenario import Bites, Scenario
from stand import Stand

POLICY = "chaos-full"
QUEUES = r"^messaging\.session_message_recorded\."
MOST_MESSAGES = 5


async def queue_full(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Let the queues to messaging hold five messages, and their consumer sleep until they are full."""
    marks, refused = stand.log_marks(), sum(load.refused.values())
    definition = f'{{"max-length": {MOST_MESSAGES}, "overflow": "reject-publish"}}'
    await stand.control("set_policy", POLICY, QUEUES, definition, "--apply-to", "queues")
    messaging = stand.process("messaging")
    try:
        messaging.signal(signal.SIGSTOP)
        await asyncio.sleep(dice.uniform(12, 15))
    finally:
        messaging.signal(signal.SIGCONT)
        await stand.control("clear_policy", POLICY)
    assert sum(load.refused.values()) == refused, "the door is none of the broker's business"
    return {"publishings refused": stand.said_since(marks, "publishing was refused")}


SCENARIOS = (Scenario(9, "queue-full", "Queue full, publishings refused", queue_full),)
