"""29. Bodies of 300 KB and 5 MB are accepted, more than the limit is refused however it is sent, and what drips is given up; memory
stays flat, and the broker never gets a message of more than 256 KB.
"""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

from aio_pika.abc import AbstractIncomingMessage
from bus.connection import connected
from contracts.topology import load_topology
from kernel.ids import new_id
from load import Chat, Load, new_message_id
from memory import most_resident_mb
from scenario import Bites, Scenario
from stand import Stand

Pieces = Callable[[bytes], AsyncIterator[bytes]]
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
    return {"large": len(within), "413": len(above), "408": len(slow), "long texts": len(long_texts)}


def _body(chat: Chat, op_id: str, text: str = "large") -> dict[str, object]:
    found: dict[str, object] = json.loads(chat.tenant.text(chat.customer, text, bare_id=op_id))
    return found


async def _padded(load: Load, dice: random.Random, size: int) -> str:
    """A message with so much beside it that nobody reads: a thumbnail, say."""
    chat, op_id = load.stranger(dice.choice(load.tenants)), new_message_id()
    body = _body(chat, op_id) | {"thumbnail": dice.randbytes(size // 2).hex()}
    return await load.post(chat, op_id, 0, json.dumps(body).encode())


async def _long_text(load: Load, dice: random.Random) -> str:
    """A text that no event may hold: kept raw, and cut for everybody else."""
    chat, op_id = load.stranger(dice.choice(load.tenants)), new_message_id()
    return await load.post(chat, op_id, 0, json.dumps(_body(chat, op_id, "x" * 300 * KILO)).encode())


async def _too_large(load: Load, dice: random.Random, chunked: bool) -> int:
    """20 MB, with their length told beforehand or without."""

    async def pieces(raw: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(raw), 64 * KILO):
            yield raw[start : start + 64 * KILO]

    return await _refused(load, dice, pieces, chunked, "0" * 20 * MEGA)


async def _drip(load: Load, dice: random.Random) -> int:
    """A body of which a byte comes every now and then."""

    async def drops(raw: bytes) -> AsyncIterator[bytes]:
        for byte in raw:
            yield bytes([byte])
            await asyncio.sleep(dice.uniform(0.2, 0.4))

    return await _refused(load, dice, drops, True, "")


async def _refused(load: Load, dice: random.Random, pieces: Pieces, chunked: bool, thumbnail: str) -> int:
    """Send a message that must never be there; return the status of the answer, which comes before all is sent."""
    chat, op_id = load.stranger(dice.choice(load.tenants)), new_message_id()
    raw = json.dumps(_body(chat, op_id) | {"thumbnail": thumbnail}).encode()
    load.ledger.begin(op_id, "webhook", chat.tenant.tenant_id, chat.address, 0, raw)
    async with asyncio.timeout(DRIP_ENDS_WITHIN_S):
        status = await status_of(
            chat.tenant.webhook_url, chat.tenant.sign(raw), pieces(raw), None if chunked else len(raw)
        )
    load.ledger.end(op_id, "fail" if 400 <= status < 500 else "info", 1)
    return status


async def status_of(url: str, headers: dict[str, str], pieces: AsyncIterator[bytes], length: int | None) -> int:
    """Post a body piece by piece and return the status of the answer, whenever it comes.

    By a bare socket: clients read the answer only when they have sent everything, and then the door has closed the connection.
    """
    door, loop = urlsplit(url), asyncio.get_running_loop()
    told = {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
    head = "".join(f"{name}: {value}\r\n" for name, value in {"host": door.netloc, **headers, **told}.items())

    with socket.socket() as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, (door.hostname, door.port))

        async def send() -> None:
            await loop.sock_sendall(connection, f"POST {door.path} HTTP/1.1\r\n{head}\r\n".encode())
            async for piece in pieces:
                await loop.sock_sendall(connection, b"%x\r\n%b\r\n" % (len(piece), piece) if length is None else piece)

        sending = asyncio.create_task(send())
        try:
            return int((await loop.sock_recv(connection, 1000)).split()[1])
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


SCENARIOS = (Scenario(29, "oversized", "Oversized and dripping bodies", oversized),)
