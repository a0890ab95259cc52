"""29. Bodies of 300 KB and 5 MB are accepted, more than the limit is refused however it is sent, and what drips is given up; memory
stays flat, and the broker never gets a message of more than 256 KB.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator

from aio_pika.abc import AbstractIncomingMessage
from bus.connection import connected
from contracts.topology import load_topology
from kernel.ids import new_id
from load import Chat, Load, new_message_id
from memory import most_resident_mb
from scenario import Bites, Scenario
from stand import Stand

KILO, MEGA = 1000, 1_000_000
MOST_EVENT_BYTES = 262_144
ENVELOPE_BYTES = 2  # a message is a JSON array
DRIP_ENDS_WITHIN_S = 25.0
"""The door reads a body for 20 s."""
MOST_GROWTH_MB = 250
"""Ten bodies of 5 MB at once, each of which is there several times while it is read, parsed and written."""


async def oversized(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Send all of it at once, beside the usual load, while somebody weighs what the broker gets."""
    door = stand.process("channel-gateway").pid
    before = most_resident_mb(door)
    heaviest = 0

    async def weigh(message: AbstractIncomingMessage) -> None:
        nonlocal heaviest
        heaviest = max(heaviest, len(message.body))

    async with connected(stand.instance.rabbitmq_url, "chaos") as connection:
        channel = await connection.channel()
        tap = await channel.declare_queue(f"chaos.{new_id()}", exclusive=True, auto_delete=True)
        await tap.bind(load_topology().exchange, "#")
        await tap.consume(weigh, no_ack=True)
        dripping = [asyncio.create_task(_drip(load, dice)) for _ in range(3)]
        within = await asyncio.gather(*(_padded(load, dice, size) for size in [300 * KILO] * 10 + [5 * MEGA] * 10))
        above = await asyncio.gather(*(_too_large(load, dice, chunked) for chunked in [False] * 3 + [True] * 3))
        peak = most_resident_mb(door)
        long_texts = [await _long_text(load, dice) for _ in range(3)]
        slow = await asyncio.gather(*dripping)
        await asyncio.sleep(1)
    assert set(within) == {"ok"}, f"bodies within the limit were answered {within}"
    assert set(above) == {413}, f"bodies above the limit were answered {above}"
    assert set(slow) == {408}, f"dripping bodies were answered {slow}"
    assert set(long_texts) == {"ok"}, f"texts of 300 KB were answered {long_texts}"
    assert peak - before < MOST_GROWTH_MB, f"the door grew from {before:.0f} to {peak:.0f} MB"
    assert heaviest <= MOST_EVENT_BYTES + ENVELOPE_BYTES, f"the broker got {heaviest} bytes in one message"
    return {"large": len(within), "413": len(above), "408": len(slow), "door grew MB": round(peak - before, 1) or 0.1}


def _body(chat: Chat, op_id: str, text: str = "large") -> dict[str, object]:
    found: dict[str, object] = json.loads(chat.tenant.text(chat.customer, text, bare_id=op_id))
    return found


async def _padded(load: Load, dice: random.Random, size: int) -> str:
    """A message with so much beside it that nobody reads: a thumbnail, say."""
    chat, op_id = load.stranger(dice.choice(load.tenants)), new_message_id()
    body = _body(chat, op_id) | {"thumbnail": dice.randbytes(size // 2).hex()}
    return await load.post(chat, op_id, 0, json.dumps(body).encode())


async def _long_text(load: Load, dice: random.Random) -> str:
    """A text that no event may hold: kept raw, and parked for people."""
    chat, op_id = load.stranger(dice.choice(load.tenants)), new_message_id()
    outcome = await load.post(chat, op_id, 0, json.dumps(_body(chat, op_id, "x" * 300 * KILO)).encode())
    load.expected.parked["channel_gateway", "poison"] += 1
    load.expected.parked_ops.add(op_id)
    return outcome


async def _too_large(load: Load, dice: random.Random, chunked: bool) -> int:
    """20 MB, with their length told beforehand or without."""
    chat, op_id = load.stranger(dice.choice(load.tenants)), new_message_id()
    raw = json.dumps(_body(chat, op_id) | {"thumbnail": "0" * 20 * MEGA}).encode()
    headers = chat.tenant.sign(raw)
    load.ledger.begin(op_id, "webhook", chat.tenant.tenant_id, chat.address, 0, raw)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(raw), 64 * KILO):
            yield raw[start : start + 64 * KILO]

    answer = await chat.tenant.client.post(
        chat.tenant.webhook_url, content=pieces() if chunked else raw, headers=headers
    )
    load.ledger.end(op_id, "fail" if answer.status_code == 413 else "info", 1)
    return answer.status_code


async def _drip(load: Load, dice: random.Random) -> int:
    """A body of which a byte comes every now and then."""
    chat, op_id = load.stranger(dice.choice(load.tenants)), new_message_id()
    raw = json.dumps(_body(chat, op_id)).encode()
    load.ledger.begin(op_id, "webhook", chat.tenant.tenant_id, chat.address, 0, raw)

    async def drops() -> AsyncIterator[bytes]:
        for byte in raw:
            yield bytes([byte])
            await asyncio.sleep(dice.uniform(0.2, 0.4))

    async with asyncio.timeout(DRIP_ENDS_WITHIN_S):
        answer = await chat.tenant.client.post(chat.tenant.webhook_url, content=drops(), headers=chat.tenant.sign(raw))
    load.ledger.end(op_id, "fail" if answer.status_code == 408 else "info", 1)
    return answer.status_code


SCENARIOS = (Scenario(29, "oversized", "Oversized and dripping bodies", oversized),)
