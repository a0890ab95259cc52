"""Health: who is asked, how long, and what it means."""

import asyncio
import re
import time

import httpx
import pytest
from telemetry import metrics
from web.health import Finding, Health
from web.operator_app import operator_app


async def fine() -> Finding:
    return Finding()


async def gone() -> Finding:
    raise ConnectionRefusedError("marker at db.internal:5432")


async def half() -> Finding:
    return Finding("degraded", "2 queues missing", {"missing_count": 2})


async def stuck() -> Finding:
    await asyncio.sleep(60)
    return Finding()


async def ready(health: Health) -> httpx.Response:
    transport = httpx.ASGITransport(operator_app(health))
    async with httpx.AsyncClient(transport=transport, base_url="http://metrics") as client:
        return await client.get("/ready")


@pytest.mark.parametrize(
    ("checks", "serves_api", "status", "code"),
    [
        ({"database": fine, "rabbitmq": fine}, True, "healthy", 200),
        ({"database": gone}, True, "unhealthy", 503),
        ({"database": fine, "migrations": gone}, True, "unhealthy", 503),
        ({"rabbitmq": gone}, True, "degraded", 200),
        ({"rabbitmq": gone}, False, "unhealthy", 503),
        ({"rabbitmq": half}, False, "degraded", 200),
        ({"backlog": gone}, True, "degraded", 200),
        ({"backlog": gone}, False, "unhealthy", 503),
        ({"temporal": gone, "redis": gone, "waha": gone}, False, "degraded", 200),
        ({}, True, "healthy", 200),
    ],
)
async def test_only_what_is_vital_takes_a_process_out(checks, serves_api, status, code) -> None:
    answer = await ready(Health("toy", "1", checks, serves_api=serves_api))
    assert (answer.json()["status"], answer.status_code) == (status, code)


async def test_ready_tells_every_dependency_in_both_shapes() -> None:
    body = (await ready(Health("toy", "1.2.3", {"rabbitmq": half, "database": gone}))).json()
    assert (body["service"], body["version"]) == ("toy", "1.2.3")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", body["timestamp"])
    rabbitmq, redis = body["dependencies"]["rabbitmq"], body["dependencies"]["redis"]
    assert (rabbitmq["status"], rabbitmq["message"], rabbitmq["metadata"]) == (
        "degraded",
        "2 queues missing",
        {"missing_count": 2},
    )
    assert isinstance(rabbitmq["duration_ms"], int) and rabbitmq["timestamp"].endswith("Z")
    assert (redis["status"], redis["metadata"]) == ("healthy", {"configured": False})
    assert body["checks"]["rabbitmq"] == {"healthy": True, "message": "2 queues missing"}
    assert body["checks"]["database"] == {"healthy": False, "message": "does not answer"}
    assert "marker" not in str(body)


async def test_checks_run_together_within_two_seconds_and_are_kept_for_one() -> None:
    asked = []

    async def counted() -> Finding:
        asked.append(1)
        return Finding()

    health = Health("toy", "1", {"a": stuck, "b": stuck, "c": counted})
    started = time.monotonic()
    first, _ = await asyncio.gather(ready(health), ready(health))
    assert 1.9 < time.monotonic() - started < 3.9
    assert first.json()["dependencies"]["a"]["message"] == "does not answer in time"
    await ready(health)
    assert len(asked) == 1


async def test_live_asks_nobody_and_fails_when_the_loop_stood_still(monkeypatch) -> None:
    health = Health("toy", "1", {"database": stuck})
    transport = httpx.ASGITransport(operator_app(health))
    async with httpx.AsyncClient(transport=transport, base_url="http://metrics") as client:
        assert (await client.get("/live")).status_code == 200
        health.start_heart()
        assert (await client.get("/live")).status_code == 200
        health._beat_at -= 11
        answer = await client.get("/live")
        assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
        await asyncio.sleep(1.1)
        assert (await client.get("/live")).status_code == 200


async def test_each_dependency_has_an_address(make_toy) -> None:
    toy = make_toy(health=Health("toy", "1", {"database": gone, "rabbitmq": half}))
    async with toy.client() as client:
        for name, code in (
            ("database", 503),
            ("rabbitmq", 200),
            ("migrations", 200),
            ("redis", 200),
            ("temporal", 200),
        ):
            answer = await client.get(f"/health/{name}")
            assert answer.status_code == code
            assert set(answer.json()) == {"status", "message", "timestamp", "duration_ms", "metadata"}
        assert (await client.get("/health/nonsense")).status_code == 404
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/health/circuit-breakers")).status_code == 401
        assert (await client.get("/metrics")).status_code == 404  # the metrics port only


async def test_circuit_breakers_are_for_operators(make_toy, caller_with) -> None:
    breaker = {"name": "waha", "state": "closed", "failures": 0, "opened_at": None}
    toy = make_toy(health=Health("toy", "1", breakers=lambda: [breaker]))
    async with toy.client(caller_with("admin", owner=True)) as client:
        assert (await client.get("/health/circuit-breakers")).status_code == 403
    async with toy.client(caller_with(subject_kind="operator")) as client:
        assert (await client.get("/health/circuit-breakers")).json() == {"data": [breaker]}


async def test_the_metrics_port_serves_metrics() -> None:
    metrics.counter("seen_on_the_metrics_port_total", "x").inc()
    transport = httpx.ASGITransport(operator_app(Health("toy", "1")))
    async with httpx.AsyncClient(transport=transport, base_url="http://metrics") as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "seen_on_the_metrics_port_total" in answer.text
