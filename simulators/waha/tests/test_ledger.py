from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from waha_simulator.ledger import Book

if TYPE_CHECKING:
    from conftest import OpenWorld


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    book = Book(path)
    book.add({"a": 1})
    book.close()
    with path.open("ab") as file:
        file.write(b'{"line":2,"a"')
    again = Book(path)
    assert again.add({"a": 2}) == 2
    again.close()
    book = Book(path)
    assert [entry["a"] for entry in book.entries()] == [1, 2]
    book.close()


def test_since_gives_what_is_new() -> None:
    book = Book()
    for number in range(5):
        book.add({"n": number})
    assert [entry["n"] for entry in book.entries(3)] == [3, 4]
    assert len(book.since(1, 2)) == 2


async def test_a_restart_goes_on_where_it_stopped(open_world: OpenWorld, tmp_path: Path) -> None:
    before = await open_world(data=tmp_path)
    await before.open_session()
    first = await before.writes("um")
    await before.drain()
    sent = await before.client.post(
        "/api/sendText", json={"session": "shop", "chatId": "5521955550001@c.us", "text": "dois"}
    )
    await before.drain()
    webhooks, calls = await before.lines(), await before.lines("calls")
    await before.running.stop()

    after = await open_world(data=tmp_path)
    assert await after.lines() == webhooks
    assert await after.lines("calls") == calls
    for _ in range(200):
        state = (await after.client.get("/control/state")).json()
        if state["sessions"][0]["status"] == "WORKING":
            break
    third = await after.writes("três")
    await after.drain()
    assert (first["chat_seq"], third["chat_seq"]) == (1, 3)
    assert third["message_id"] != first["message_id"]
    lines = await after.lines()
    assert [line["line"] for line in lines] == list(range(1, len(lines) + 1))
    assert len({line["delivery"] for line in lines}) == len(lines)
    history = await after.client.get("/api/shop/chats/5521955550001@c.us/messages")
    assert [item["id"] for item in reversed(history.json())] == [first["id"], sent.json()["id"], third["id"]]


async def test_a_reset_empties_everything(open_world: OpenWorld, tmp_path: Path) -> None:
    world = await open_world(data=tmp_path)
    await world.open_session()
    await world.writes()
    await world.drain()
    await world.control("reset", keep_sessions=True)
    assert await world.lines() == []
    assert (await world.writes())["chat_seq"] == 1
    await world.drain()
    await world.control("reset")
    assert (await world.client.get("/control/state")).json()["sessions"] == []
    assert (tmp_path / "webhooks.jsonl").read_bytes() == b""
