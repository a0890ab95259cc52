"""The generator against a door that answers as it is told: what ends as ok, fail and info, and in which order a chat's messages arrive."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from ledger import Ledger, read
from load import Load
from product import Tenant

Answer = Callable[[int], int]
"""Number of the request, from 0 → the status that it is answered with; 0 ends the connection instead."""


@asynccontextmanager
async def door(answer: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """Listen; hand out the address, and the message ids in the order in which they came."""
    came: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                body = json.loads(await reader.readexactly(length))
                status = answer(len(came))
                came.append(body["payload"]["id"].rpartition("_")[2])
                if not status:
                    break
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode())
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", came


@asynccontextmanager
async def load_on(url: str, folder: Path) -> AsyncIterator[Load]:
    nothing = cast(Any, None)
    tenant = Tenant(nothing, "t1", "", "", url, "secret", "session", nothing)
    load = Load([tenant], Ledger(folder / "ledger.jsonl"), 1, chats_each=1, per_second=1)
    try:
        yield load
    finally:
        await load.close()


@pytest.mark.parametrize(
    ("answers", "outcome", "attempts"),
    [
        ([200], "ok", 1),
        ([503, 429, 200], "ok", 3),
        ([0, 200], "ok", 2),
        ([401], "fail", 1),
        ([0, 401], "info", 2),
    ],
)
async def test_an_outcome_is_what_the_sender_can_know(
    tmp_path: Path, answers: list[int], outcome: str, attempts: int
) -> None:
    """Refused for good after an attempt that nobody answered: that one may have been stored."""
    async with door(lambda number: answers[number]) as (url, _), load_on(url, tmp_path) as load:
        load.arrive(load.chats[0])
        await load.finish()
        (operation,) = read(load.ledger.path).values()
    assert (operation.outcome, operation.attempts) == (outcome, attempts)


async def test_a_chats_next_message_waits_until_the_last_has_an_outcome(tmp_path: Path) -> None:
    async with door(lambda number: 503 if number in (0, 2) else 200) as (url, came), load_on(url, tmp_path) as load:
        for _ in range(3):
            load.arrive(load.chats[0])
        await load.finish()
        order = [each.op_id for each in sorted(load.ledger.of("webhook", "ok"), key=lambda each: each.seq)]
    assert list(dict.fromkeys(came)) == order
    assert len(came) == 5
