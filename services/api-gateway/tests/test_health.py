"""The health of the whole product, through its door."""

import asyncio
import os
import signal
import sys
from typing import Any

import httpx
from api_gateway.settings import SERVICES
from gateway_toys import INTERNAL_KEY, NOWHERE, StartGateway, ToyIdentity, free_port, signed_in
from testkit.eventually import eventually


async def test_health_names_the_product_and_its_version(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/live"):
        answer = await client.get(path)
        assert answer.status_code == 200
        body = answer.json()
        assert set(body) == {"status", "timestamp", "version", "service"}
        assert (body["status"], body["version"], body["service"]) == ("healthy", "1.2.3", "ventros-crm")


async def test_a_dependency_is_as_the_worst_of_all_services_sees_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/database")
    assert answer.status_code == 200
    body = answer.json()
    # The echoes do not answer /ready as services do: they count as silent.
    assert body["status"] == "degraded"
    assert body["metadata"]["services"] == {
        "identity": "healthy",
        "contact": "healthy",
        "session": "unknown",
        "messaging": "unknown",
        "pipeline-automation": "unknown",
        "billing": "unknown",
        "channel-gateway": "unknown",
    }
    assert (await client.get("/health/redis")).json()["metadata"]["configured"] is False


async def test_a_sick_dependency_of_one_service_shows_and_does_not_take_the_gateway_out(
    start_gateway: StartGateway, services: dict[str, str]
) -> None:
    from gateway_toys import serving, toy_contact
    from web.health import Finding

    async def sick() -> Finding:
        return Finding("unhealthy", "does not answer")

    from web.app import create_app
    from web.health import Health

    app = create_app(
        service="session", version="0", routes=[], tokens=None, health=Health("session", "0", {"database": sick})
    )
    async with serving(app) as at_session, serving(toy_contact()) as healthy:
        addresses = dict.fromkeys(SERVICES, healthy) | {"identity": services["identity"], "session": at_session}
        async with start_gateway(services=addresses) as gateway:
            database = await gateway.client.get("/health/database")
            assert (database.status_code, database.json()["status"]) == (503, "unhealthy")
            assert database.json()["metadata"]["services"]["session"] == "unhealthy"
            ready = await gateway.client.get("/ready")
            assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
            assert ready.json()["dependencies"]["services"]["metadata"]["services"]["session"] == "unhealthy"


async def test_a_service_away_makes_it_degraded(start_gateway: StartGateway) -> None:
    async with start_gateway(away=("session",)) as gateway:
        body = (await gateway.client.get("/ready")).json()
        assert body["status"] == "degraded"
        assert body["dependencies"]["services"]["metadata"]["services"]["session"] == "away"
        assert body["checks"]["services"]["healthy"] is True


async def test_without_any_signing_key_it_is_not_ready(start_gateway: StartGateway) -> None:
    async with start_gateway(away=("identity",), waits=False) as gateway:
        ready = await gateway.client.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "unhealthy")
        assert (await gateway.client.get("/live")).status_code == 200


async def test_the_broker_away_shows_as_degraded(client: httpx.AsyncClient) -> None:
    body = (await client.get("/health/rabbitmq")).json()
    assert body["metadata"]["services"]["api-gateway"] == "degraded"


async def test_parked_events_are_counted_in_every_service(client: httpx.AsyncClient, identity: ToyIdentity) -> None:
    answer = await client.get("/api/v1/parked-events", headers=signed_in())
    assert answer.status_code == 200
    data = {each["service"]: each for each in answer.json()["data"]}
    assert set(data) == set(SERVICES)
    assert data["identity"] == {"service": "identity", "count": 2, "oldest_parked_at": "2026-01-02T03:04:05.678Z"}
    assert data["contact"]["count"] is None, "it has no such route: what is not known is not zero"
    assert (await client.get("/api/v1/parked-events")).status_code == 401
    assert (await client.get("/api/v1/parked-events", headers=signed_in(prj={}))).status_code == 403


async def test_the_process_lives_while_identity_and_the_broker_are_away_and_ends_on_sigterm(tmp_path: Any) -> None:
    port, metrics_port = free_port(), free_port()
    nobody = f"http://127.0.0.1:{free_port()}"
    environment = os.environ | {f"{each.upper().replace('-', '_')}_URL": nobody for each in SERVICES}
    environment |= {
        "ENV": "test",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "METRICS_PORT": str(metrics_port),
        "RABBITMQ_URL": NOWHERE,
        "INTERNAL_TOKEN_PRIVATE_KEY": INTERNAL_KEY.as_pem(private=True).decode(),
        "SHUTDOWN_GRACE": "5",
    }
    with (tmp_path / "log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api_gateway", "run", env=environment, stdout=output, stderr=output
        )
    try:
        async with httpx.AsyncClient(trust_env=False) as client:

            async def status(address: str) -> int:
                try:
                    return (await client.get(address)).status_code
                except httpx.TransportError:
                    return 0

            async def lives() -> bool:
                return await status(f"http://127.0.0.1:{port}/live") == 200

            await eventually(lives, within_s=30)
            assert await status(f"http://127.0.0.1:{port}/ready") == 503
            assert await status(f"http://127.0.0.1:{metrics_port}/metrics") == 200
            assert await status(f"http://127.0.0.1:{metrics_port}/ready") == 503
            assert await status(f"http://127.0.0.1:{port}/docs") == 200
            assert process.returncode is None
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0, (tmp_path / "log").read_text()
