"""28. What cannot be read: bytes that are no event, broken schemas, unknown versions and types; and a kind of message that nobody knows."""

import asyncio
import json
import random
from datetime import UTC, datetime
from typing import Any

import aio_pika
from bus.connection import connected
from contracts.bundles import BUNDLES, packed
from contracts.envelope import BATCH_CONTENT_TYPE
from contracts.topology import load_topology
from kernel.ids import new_id
from load import Chat, Load, new_message_id
from scenario import Bites, Scenario
from stand import Stand
from testkit.eventually import eventually

TYPE = "session.message_recorded.v1"
"""Heard by messaging and by nobody else."""
ROUNDS = 8
PARKED_EACH = 9


async def unreadable(stand: Stand, load: Load, dice: random.Random) -> Bites:
    """Put onto the broker what no service of ours would say, and at the door a message of a kind to come."""
    tenant = load.tenants[0]
    before, drained = await _counted(stand), await stand.counted("dead_letters_drained_total", "messaging")
    exchange_name = load_topology().exchange
    async with connected(stand.instance.rabbitmq_url, "chaos") as connection:
        channel = await connection.channel(publisher_confirms=True)
        exchange = await channel.get_exchange(exchange_name, ensure=False)
        for number in range(ROUNDS):
            key = f"{TYPE}.{number % stand.instance.partitions}"
            for body, headers in _messages(tenant.tenant_id, dice):
                message = aio_pika.Message(
                    body, headers=headers, content_type=BATCH_CONTENT_TYPE, type=TYPE, delivery_mode=2
                )
                await exchange.publish(message, key, mandatory=True)
            await asyncio.sleep(dice.uniform(0.2, 0.8))
    expected = load.expected.parked
    # In each round: four messages that cannot be opened and two elements that are no event, then the three that are.
    expected["messaging", "undecodable"] += 6 * ROUNDS
    expected["messaging", "unknown_version"] += ROUNDS
    expected["messaging", "invalid"] += 2 * ROUNDS
    posted = [await _of_a_kind_to_come(load, chat) for chat in dice.sample(load.chats, 10)]
    assert set(posted) == {"ok"}, f"messages of an unknown kind were answered {posted}"

    async def all_counted() -> bool:
        return await _counted(stand) - before == PARKED_EACH * ROUNDS

    await eventually(all_counted, within_s=25, every_s=0.5, because=f"{PARKED_EACH * ROUNDS} events parked and counted")
    drained = await stand.counted("dead_letters_drained_total", "messaging") - drained
    assert stand.ready("messaging"), "the consumer is not ready any more"
    return {"parked": PARKED_EACH * ROUNDS, "dead letters drained": drained, "messages of an unknown kind": len(posted)}


async def _counted(stand: Stand) -> float:
    """Parked by the consumer, or drained from the dead letters."""
    parked = await stand.counted("parked_events_total", "messaging")
    return parked + await stand.counted("dead_letters_drained_total", "messaging")


def _messages(tenant_id: str, dice: random.Random) -> list[tuple[bytes, dict[str, Any]]]:
    """Return messages and their headers; each is another one every time, since the same bytes are parked once."""
    now = datetime.now(UTC).isoformat()

    def event(event_type: str, **data: Any) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": new_id(),
            "type": event_type,
            "source": "chaos",
            "subject": new_id(),
            "time": now,
            "tenantid": tenant_id,
            "partitionkey": "chaos",
            "correlationid": new_id(),
            "causationid": None,
            "hop": 0,
            "actor": "system:chaos",
            "traceparent": None,
            "data": data,
        }

    batch = [
        event("session.message_recorded.v99", anything=1),
        event("session.dreamt.v1"),
        event(TYPE, message="not what it should be"),
        {"no": "event", "at": new_id()},
        f"neither {new_id()}",
    ]
    noise, truncated = b"\xff\x00" + dice.randbytes(40), json.dumps([event(TYPE)]).encode()[:-20]
    return [
        (noise, {}),
        (truncated, {}),
        (noise[::-1], {BUNDLES: [f"{new_id()} {len(noise)}"]}),
        (packed([truncated]), {BUNDLES: [f"{new_id()} 7"]}),
        (json.dumps(batch).encode(), {}),
    ]


async def _of_a_kind_to_come(load: Load, known: Chat) -> str:
    """Let a customer who never wrote before send a message of a kind that is not invented yet."""
    chat = load.stranger(known.tenant)
    op_id = new_message_id()
    body = json.loads(chat.tenant.text(chat.customer, "?", bare_id=op_id))
    message = {"holographicMessage": {"angle": 45, "caption": "hello from 2030"}}
    body["payload"]["body"] = None
    body["payload"]["_data"] |= {"Message": message, "RawMessage": message}
    return await load.post(chat, op_id, 0, json.dumps(body).encode())


SCENARIOS = (Scenario(28, "unreadable-events", "Undecodable and unknown events", unreadable),)
