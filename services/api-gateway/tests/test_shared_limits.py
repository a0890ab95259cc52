"""Rate limits of several gateways before one real Redis; and what they do while it is away."""

import asyncio
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_gateway import shared_counts
from api_gateway.limits import Limit, Policy
from api_gateway.settings import read_settings
from api_gateway.shared_counts import RedisCounts
from gateway_toys import GENEROUS, StartGateway, signed_in
from kernel.ids import new_id
from kernel.settings import Environment
from local_stack.redis_server import RedisServer
from telemetry.metrics import value_of
from testkit.eventually import eventually
from testkit.listening import free_port

CONTACTS = "/api/v1/crm/contacts"
LOGIN = "/api/v1/auth/login"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of one's own."""
    server = RedisServer(
        "test-limits", tmp_path / "redis", free_port(), tmp_path / "redis.json", tmp_path / "redis.log"
    )
    server.start()
    yield server
    server.stop()


async def test_two_gateways_share_one_budget(start_gateway: StartGateway, redis: RedisServer) -> None:
    rates = replace(GENEROUS, standard=4, auth=2)
    async with (
        start_gateway(rates=rates, redis_url=redis.url) as one,
        start_gateway(rates=rates, redis_url=redis.url) as other,
    ):
        headers = signed_in(sub=new_id())
        answers = [await each.client.get(CONTACTS, headers=headers) for each in (one, other, one, other, one, other)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429, 429]
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["3", "2", "1", "0", "0", "0"]
        assert {1 <= int(answer.headers["x-ratelimit-reset"]) <= 60 for answer in answers} == {True}
        assert (await other.client.get(CONTACTS, headers=signed_in(sub=new_id()))).status_code == 200

        signed = [(await each.client.post(LOGIN, json={})).status_code for each in (one, other, one, other)]
        assert signed == [200, 200, 429, 429]
        assert value_of("rate_limits_shared") == 1


async def test_whoever_guesses_keys_at_one_gateway_is_soon_known_to_the_other(
    start_gateway: StartGateway, redis: RedisServer
) -> None:
    rates = replace(GENEROUS, anonymous=4)
    async with (
        start_gateway(rates=rates, redis_url=redis.url) as one,
        start_gateway(rates=rates, redis_url=redis.url) as other,
    ):

        async def guess(gateway: Any, number: int) -> int:
            key = f"vk_{number:08x}_{number:064x}"
            return int((await gateway.client.get(CONTACTS, headers={"X-API-Key": key})).status_code)

        assert [await guess(one, number) for number in range(6)] == [401] * 4 + [429] * 2
        assert [await guess(other, number) for number in range(10, 13)] == [401, 429, 429], "one try, then it knows"


async def test_gateways_go_on_alone_while_redis_is_dead_and_together_when_it_is_back(
    start_gateway: StartGateway, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(shared_counts.log, "warning", lambda event, **_: told.append(event), raising=False)
    rates = replace(GENEROUS, standard=5)
    async with (
        start_gateway(rates=rates, redis_url=redis.url) as one,
        start_gateway(rates=rates, redis_url=redis.url) as other,
    ):
        headers = signed_in(sub=new_id())
        for each in (one, other):
            assert (await each.client.get(CONTACTS, headers=headers)).status_code == 200
        failures = value_of("rate_limit_store_failures_total")

        redis.stop()
        alone = [(await one.client.get(CONTACTS, headers=headers)).status_code for _ in range(6)]
        assert alone == [200] * 4 + [429] * 2, "it goes on from the one that it counted itself"
        assert (await other.client.get(CONTACTS, headers=headers)).status_code == 200, "each for itself"
        assert value_of("rate_limits_shared") == 0
        assert value_of("rate_limit_store_failures_total") > failures
        await eventually(lambda: says(one, "degraded"), within_s=10, because="its health is looked at anew")
        assert (await one.client.get("/ready")).status_code == 200

        redis.start()
        stranger = signed_in(sub=new_id())

        async def together() -> bool:
            await one.client.get(CONTACTS, headers=signed_in())
            await other.client.get(CONTACTS, headers=signed_in())
            return not (one.built.counts.away or other.built.counts.away)

        await eventually(together, within_s=5)
        answers = [await each.client.get(CONTACTS, headers=stranger) for each in (one, other, one)]
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["4", "3", "2"]
        await eventually(lambda: says(one, "healthy"), within_s=10, because="its health is looked at anew")
    assert told == [shared_counts.AWAY] * 2, "once for each gateway"


async def says(gateway: Any, state: str) -> bool:
    told = (await gateway.client.get("/health/redis")).json()["metadata"]
    assert "configured" not in told
    return bool(told["services"]["api-gateway"] == state)


async def test_a_redis_that_hangs_costs_one_short_wait_and_refuses_nobody(
    start_gateway: StartGateway, redis: RedisServer
) -> None:
    async with start_gateway(redis_url=redis.url) as gateway:
        headers = signed_in()
        assert (await gateway.client.get(CONTACTS, headers=headers)).status_code == 200
        process = redis.process()
        assert process is not None
        process.signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            answers = await asyncio.gather(*(gateway.client.get(CONTACTS, headers=headers) for _ in range(100)))
            took_s = time.monotonic() - began
        finally:
            process.signal(signal.SIGCONT)
        assert {answer.status_code for answer in answers} == {200}
        assert took_s < 100 * shared_counts.ANSWER_S / 4, "they waited one after the other"


async def test_windows_of_all_replicas_end_together_and_nothing_stays(redis: RedisServer) -> None:
    counts = [RedisCounts(redis.url), RedisCounts(redis.url)]
    first, second = (Limit(Policy("standard", 2, 2), each) for each in counts)
    try:
        assert (await first.count("a")).remaining == 1
        await asyncio.sleep(1.1)
        late = await second.count("a")
        assert (late.remaining, late.resets_s) == (0, 1), "it learns when the first one began"
        assert (await first.count("a")).refused
        assert first.look("a").refused and second.look("a").refused
        await asyncio.sleep(1.1)
        assert not (await second.count("a")).refused
        assert await counts[0].left_s("standard:a") > 0
    finally:
        for each in counts:
            await each.close()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, None),
        ({"REDIS_URL": "rediss://:s@cache.example:6380/2"}, "rediss://:s@cache.example:6380/2"),
        ({"REDIS_HOST": "cache", "REDIS_PASSWORD": "a/b@c"}, "redis://:a%2Fb%40c@cache:6379"),
    ],
)
def test_where_redis_is_comes_from_the_environment_and_is_not_printed(given: dict[str, str], url: str | None) -> None:
    settings = read_settings(Environment(given))
    assert settings.redis_url == url
    assert "cache" not in repr(settings)


def test_a_redis_of_another_kind_is_refused_at_the_start() -> None:
    env = Environment({"REDIS_URL": "http://cache"})
    read_settings(env)
    with pytest.raises(Exception, match="REDIS_URL must be an address such as"):
        env.check()
