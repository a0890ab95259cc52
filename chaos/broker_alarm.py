"""The broker is out of something and takes no more from publishers: what has to go on meanwhile, and what may not be left afterwards."""

import asyncio
import time
from collections.abc import Sequence

from load import Answer, Load
from observed import queue_lengths
from scenario import Bites
from stand import Stand
from testkit.eventually import eventually

ANSWERED_WITHIN_S = 1.0
"""The 99th of a hundred webhooks, while the broker takes nothing; or three times what it was before, where the machine is busy."""


async def alarmed(
    stand: Stand, load: Load, resource: str, begin: Sequence[str], end: Sequence[str], seconds: float
) -> Bites:
    """Raise an alarm for so long. The door answers, acks flow, and as many connections stand afterwards as before."""
    marks, answered = stand.log_marks(), len(load.answers)
    connections = await _connections(stand)
    await stand.control(*begin)
    began = time.monotonic()
    try:
        assert resource in await asyncio.to_thread(stand.instance.rabbitmq().alarms), f"no alarm for {resource}"

        async def consumed() -> bool:
            return not queue_lengths(await stand.control("list_queues", "name", "messages"))

        # Consumers have connections of their own: what was in the queues is settled although nobody may publish.
        await eventually(consumed, within_s=15, every_s=0.5, because="acks flow while publishers are blocked")
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - began)))
    finally:
        await stand.control(*end)
    blocked_s = time.monotonic() - began
    during = load.answers[answered:]
    wrong = [each.status for each in during if each.status != 200]
    assert not wrong, f"the door answered {wrong[:5]} while the broker was short of {resource}"
    allowed_s = max(ANSWERED_WITHIN_S, 3 * _slow(load.answers[:answered]))
    assert _slow(during) < allowed_s, f"the door took {_slow(during):.2f} s, {allowed_s:.2f} s are allowed"

    async def as_before() -> bool:
        return await _connections(stand) <= connections

    await eventually(
        as_before, within_s=20, every_s=1, because=f"not more than {connections} connections to the broker"
    )
    return {
        "blocked seconds": round(blocked_s, 1),
        "publishings refused": stand.said_since(marks, "publishing was refused"),
    }


def _slow(answers: Sequence[Answer]) -> float:
    took = sorted(each.took_s for each in answers)
    return took[int(len(took) * 0.99)] if took else 0.0


async def _connections(stand: Stand) -> int:
    return len((await stand.control("list_connections", "name")).splitlines())
