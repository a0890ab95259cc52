"""30. Two connections to the database, and two hundred who want one while statements are slow: 503, and at once well again."""

import asyncio
import random
import time
from collections import Counter

import httpx
from database_harm import POOLED, locked, master
from load import Load
from scenario import Bites, Scenario
from stand import Stand

POOL = 2
ASKING = 200
ANSWERED_WITHIN_S = 10.0
WELL_WITHIN_S = 5.0
ROLE = "messaging_app"


async def exhausted(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Hold a table that reading needs, and let two hundred people read."""
    answers: Counter[int] = Counter()
    without_advice = 0

    async def read() -> None:
        nonlocal without_advice
        answer = await dice.choice(load.tenants).ask("GET", "/crm/messages?limit=5")
        answers[answer.status_code] += 1
        without_advice += answer.status_code == 503 and "retry-after" not in answer.headers

    for _ in range(2):
        async with locked(stand.product, "messaging.messages"):
            began = time.monotonic()
            asked = [asyncio.create_task(read()) for _ in range(ASKING)]
            await asyncio.sleep(6)
        await asyncio.gather(*asked)
        assert time.monotonic() - began < ANSWERED_WITHIN_S, (
            f"the last was answered after {time.monotonic() - began:.1f} s"
        )
        await _well_again(load)
    assert set(answers) <= {200, 503}, f"readers were answered {dict(answers)}"
    assert not without_advice, f"{without_advice} were told 503 without Retry-After"
    async with master(stand.product) as connection:
        pooled = await connection.fetchval(POOLED, ROLE)
    assert pooled <= POOL, f"{pooled} sessions of {ROLE}, more than its pool may have"
    return {"503": answers[503], "200": answers[200]}


async def _well_again(load: Load) -> None:
    began = time.monotonic()
    while True:
        answer: httpx.Response = await load.tenants[0].ask("GET", "/crm/messages?limit=5")
        if answer.status_code == 200:
            return
        assert time.monotonic() - began < WELL_WITHIN_S, f"readers are still answered {answer.status_code}"
        await asyncio.sleep(0.1)


SCENARIOS = (Scenario(30, "pool-exhausted", "Connection pool exhausted", exhausted, {"DB_MAX_OPEN": str(POOL)}),)
