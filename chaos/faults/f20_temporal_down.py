"""20. Temporal is away while deadlines of sessions pass: messages flow meanwhile, and sessions end late, once, and as of their deadline.

Time is scaled: minutes of absence are seconds here, and the deadlines that pass are those of customers who wrote 50 s ago.
"""

import asyncio
import random
import signal
from datetime import UTC, datetime, timedelta

from kernel.ids import new_id
from load import Chat, Load
from observed import Database
from scenario import Bites, Scenario
from stand import Stand
from testkit.eventually import eventually
from waha_simulator.payloads import Person

AWAY_S = 20.0
WROTE_AGO = timedelta(seconds=50)
TIMEOUT = timedelta(minutes=1)
SILENT_EACH = 6


async def fall_silent(load: Load, dice: random.Random) -> dict[tuple[str, str], float]:
    """Let customers whom nobody knew write once, 50 s ago; return when, by tenant and address."""
    wrote: dict[tuple[str, str], float] = {}
    for tenant in load.tenants:
        for number in range(SILENT_EACH):
            person = Person(
                phone=f"55118{dice.randrange(10**7, 10**8)}", lid=f"3{dice.randrange(10**13):014}", name=f"S{number}"
            )
            chat = Chat(tenant, person, f"silent {number}")
            at = (datetime.now(UTC) - WROTE_AGO).replace(microsecond=0)
            op_id = f"3EB0{new_id().replace('-', '').upper()[:24]}"
            outcome = await load.post(chat, op_id, 0, tenant.text(person, chat.name, bare_id=op_id, at=at))
            assert outcome == "ok", outcome
            wrote[tenant.tenant_id, chat.address] = at.timestamp()
    return wrote


async def break_it(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Stop it, let deadlines pass, start it, and wait until every session that fell due has ended."""
    database = Database(stand.product, load.tenants)
    try:
        async with stand.held_back("temporal"):
            server = stand.process("temporal")
            server.signal(signal.SIGTERM)
            assert await asyncio.to_thread(server.wait_until_gone, 15), "Temporal does not stop"
            wrote = await fall_silent(load, dice)
            await asyncio.sleep(AWAY_S)
            assert not await database.ended_sessions(), "a session ended although nobody watches the time"
            back_at = datetime.now(UTC).timestamp()
        await stand.until_ready("temporal")

        async def all_ended() -> bool:
            return len(await database.ended_sessions()) >= len(wrote)

        await eventually(all_ended, within_s=25, every_s=0.3, because="what fell due has ended")
        ended = await database.ended_sessions()
    finally:
        await database.close()
    deadlines = sorted(at + TIMEOUT.total_seconds() for at in wrote.values())
    assert sorted(each["ended_at"] for each in ended) == deadlines, "each once, as of its own deadline"
    late = sum(each["updated_at"] > back_at > each["ended_at"] for each in ended)
    return {"seconds away": AWAY_S, "sessions ended late": late}


SCENARIOS = (
    Scenario(
        20,
        "temporal-down",
        "Temporal away while sessions fall due",
        break_it,
        channel={"default_session_timeout_minutes": 1},
        tenants=3,
    ),
)
