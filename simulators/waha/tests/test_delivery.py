from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from waha_simulator.webhooks import retry_after, retry_delay

if TYPE_CHECKING:
    from conftest import OpenWorld, World


def test_retries_wait_as_waha_does() -> None:
    assert [retry_delay({}, n) for n in (1, 2, 3)] == [2, 2, 2]
    assert [retry_delay({"policy": "linear", "delaySeconds": 3}, n) for n in (1, 2, 3)] == [3, 6, 9]
    for retry, least in ((1, 4), (2, 8), (3, 16)):
        wait = retry_delay({"policy": "exponential", "delaySeconds": 2}, retry, "evt")
        assert least <= wait <= least * 1.2
    assert retry_delay({"policy": "exponential", "delaySeconds": 0}, 4) == 0


def test_retry_after_is_a_number_or_a_date() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after("7", now) == 7
    assert retry_after("Thu, 01 Jan 2026 00:00:30 GMT", now) == 30
    assert retry_after(None, now) == retry_after("soon", now) == 0


async def test_a_message_arrives_signed_as_utf8(world: World) -> None:
    written = await world.writes("não é ação 😀")
    await world.drain()
    (post,) = world.receiver.posts
    assert post.is_signed
    assert "não é ação 😀".encode() in post.raw
    assert post.headers["user-agent"] == "WAHA/2026.7.1"
    assert post.headers["x-webhook-timestamp"] == str(post.body["timestamp"])
    assert post.body["payload"]["id"] == written["id"]


@pytest.mark.parametrize("status", [304, 400, 401, 404, 410, 500, 503])
async def test_everything_but_2xx_is_retried_with_the_same_request_id(world: World, status: int) -> None:
    world.receiver.answer = lambda number, post: status if number < 3 else 200
    await world.writes()
    await world.drain()
    assert len(world.receiver.posts) == 3
    assert len({post.headers["x-webhook-request-id"] for post in world.receiver.posts}) == 1
    assert len({post.raw for post in world.receiver.posts}) == 1
    assert [(line["attempt"], line["status"]) for line in (await world.lines())] == [(1, status), (2, status), (3, 200)]


async def test_after_its_attempts_a_delivery_is_given_up(open_world: OpenWorld) -> None:
    world = await open_world()
    await world.open_session(retries={"policy": "constant", "delaySeconds": 0, "attempts": 2})
    world.receiver.answer = lambda number, post: 500
    await world.writes()
    await world.drain()
    assert [line["gave_up"] for line in await world.lines()] == [False, False, True]


async def test_retry_after_is_a_lower_bound(world: World) -> None:
    world.receiver.answer = lambda number, post: (503, {"Retry-After": "30"}) if number == 1 else 200
    await world.writes()
    await world.drain()
    first, second = await world.lines()
    waited = datetime.fromisoformat(second["started_at"]) - datetime.fromisoformat(first["ended_at"])
    # 30 s of WAHA's time, a hundred times faster; its own delay would be 10 ms.
    assert waited.total_seconds() >= 0.3


async def test_a_receiver_that_is_away_gets_it_when_it_is_back(open_world: OpenWorld) -> None:
    world = await open_world()
    url, world.receiver.port = world.receiver.url, 1
    await world.open_session(retries={"policy": "constant", "delaySeconds": 1, "attempts": 2})
    await world.writes()
    await world.drain()
    assert {line["error"] for line in await world.lines()} == {"ClientConnectorError"}
    assert url


async def test_the_api_never_waits_for_the_webhook(world: World) -> None:
    world.receiver.seconds = 0.5
    body = {"session": "shop", "chatId": "5521955550001@c.us", "text": "oi"}
    answer = await asyncio.wait_for(world.client.post("/api/sendText", json=body), 0.4)
    assert answer.status_code == 201
    await world.drain()


async def test_message_and_message_any_share_one_envelope_id(open_world: OpenWorld) -> None:
    world = await open_world()
    await world.open_session(events=["message", "message.any"])
    await world.writes()
    await world.drain()
    assert sorted(post.body["event"] for post in world.receiver.posts) == ["message", "message.any"]
    assert len({post.body["id"] for post in world.receiver.posts}) == 1
    assert len({post.headers["x-webhook-request-id"] for post in world.receiver.posts}) == 2


async def test_ordered_mode_has_one_post_in_flight_per_chat_and_keeps_the_order(world: World) -> None:
    world.receiver.seconds = 0.01
    world.receiver.answer = lambda number, post: 500 if number % 4 == 0 else 200
    await world.control("settings", ordered=True)
    await world.control("load", session="shop", customers=3, messages=8, per_second=0, seed=5)
    await asyncio.sleep(0.1)
    await world.drain()
    assert world.receiver.most_in_flight_per_chat == 1
    accepted: dict[str, list[int]] = {}
    for line in await world.lines():
        if line["status"] == 200:
            accepted.setdefault(line["chat"], []).append(line["chat_seq"])
    assert len(accepted) == 3
    assert all(seqs == list(range(1, 9)) for seqs in accepted.values())


async def test_unordered_mode_posts_in_parallel_like_waha(world: World) -> None:
    world.receiver.seconds = 0.05
    for number in range(5):
        await world.writes(f"text {number}")
    await world.drain()
    assert world.receiver.most_in_flight_per_chat > 1
