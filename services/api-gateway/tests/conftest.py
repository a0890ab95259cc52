"""What all tests of the gateway share."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from api_gateway.settings import SERVICES
from testkit.eventually import eventually

sys.path.insert(0, str(Path(__file__).parent))

from gateway_toys import (
    LOOPBACK,
    SIGNING_KEY,
    Echo,
    Running,
    StartGateway,
    ToyIdentity,
    free_port,
    running_gateway,
    serving,
    toy_contact,
)


@pytest.fixture(scope="session")
def identity() -> ToyIdentity:
    return ToyIdentity()


@pytest.fixture(scope="session")
def echo() -> Echo:
    return Echo()


@pytest.fixture(autouse=True)
def _fresh(identity: ToyIdentity, echo: Echo) -> None:
    echo.clear()
    identity.withdrawn.clear()
    identity.refused.clear()
    identity.keys = [SIGNING_KEY]
    identity.slowness_s = 0.0
    identity.asked = dict.fromkeys(identity.asked, 0)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(identity: ToyIdentity, echo: Echo) -> AsyncIterator[dict[str, str]]:
    """Addresses of all services: identity and contact are toys of libs/web, the others echo."""
    async with serving(identity.app) as at_identity, serving(toy_contact()) as at_contact, serving(echo) as at_echo:
        yield dict.fromkeys(SERVICES, at_echo) | {"identity": at_identity, "contact": at_contact}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(services: dict[str, str]) -> AsyncIterator[Running]:
    """One gateway for all tests that need nothing special."""
    async with running_gateway(services) as gateway:
        await eventually(lambda: gateway.built.reader.complete and gateway.built.keys.known)
        yield gateway


@pytest.fixture
def client(running: Running) -> httpx.AsyncClient:
    return running.client


@pytest.fixture
def start_gateway(services: dict[str, str]) -> StartGateway:
    """`async with start_gateway(rates=…) as gateway`: one of one's own, ready to let people in."""

    @asynccontextmanager
    async def start(*, away: tuple[str, ...] = (), waits: bool = True, **more: Any) -> AsyncIterator[Running]:
        nobody = f"http://{LOOPBACK}:{free_port()}"
        addresses = more.pop("services", services) | dict.fromkeys(away, nobody)
        async with running_gateway(addresses, **more) as gateway:
            if waits:
                await eventually(lambda: gateway.built.reader.complete and gateway.built.keys.known)
            yield gateway

    return start
