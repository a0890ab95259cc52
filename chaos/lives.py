"""A service in place of the supervised one that dies at one failpoint after the other, while load flows."""

import asyncio
import random
from collections.abc import Mapping, Sequence

from stand import Replica, Stand

DIES_WITHIN_S = 20.0


async def die_at(
    stand: Stand, service: str, failpoints: Sequence[str], dice: random.Random, *, most_passes: int = 12
) -> Mapping[str, float]:
    """Let it die once at each of these, at a drawn pass; then let it live until it has met again what it did not ack.

    Returns, by failpoint, 1 where it died there.
    """
    bites: dict[str, float] = {}
    async with stand.in_place_of(service) as ours:
        for failpoint in failpoints:
            ours.start(CRASH_AT=f"{failpoint}:{dice.randint(1, most_passes)}")
            await ours.until_ready_or_dead()
            bites[f"{service} at {failpoint}"] = int(await ours.died(DIES_WITHIN_S))
            assert bites[f"{service} at {failpoint}"], f"{service} does not reach {failpoint}"
        ours.start()
        await ours.until_ready()
    return bites


async def met_again(stand: Stand, *ours: Replica) -> float:
    """Return how many events consumers met that they had applied already."""
    replicas = sum([await stand.counted("inbox_duplicates_total", each) for each in ours])
    return replicas + await stand.counted_everywhere("inbox_duplicates_total")


async def pause(dice: random.Random, least_s: float, most_s: float) -> None:
    """Wait for a drawn time: leave room for progress between two faults, or let one last."""
    await asyncio.sleep(dice.uniform(least_s, most_s))
