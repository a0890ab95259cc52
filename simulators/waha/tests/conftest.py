"""A running simulator, a receiver that records what is posted to it, and a client that holds both keys."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from testkit.eventually import eventually
from testkit.listening import free_port
from uvicorn import Config, Server
from waha_simulator.server import RunningSimulator
from waha_simulator.settings import Settings
from waha_simulator.signing import sign

HMAC_KEY = "a key of this test"


@dataclass
class Post:
    """One webhook as it arrived."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.raw)
        return body

    @property
    def is_signed(self) -> bool:
        return self.headers["x-webhook-hmac"] == sign(self.raw, HMAC_KEY)


@dataclass
class Receiver:
    """Answers 200, or whatever `answer` says of the n-th post (from 1): a status, or a status with headers."""

    port: int
    posts: list[Post] = field(default_factory=list)
    answer: Callable[[int, Post], int | tuple[int, dict[str, str]]] = lambda number, post: 200
    seconds: float = 0.0
    in_flight: dict[str, int] = field(default_factory=dict)
    most_in_flight_per_chat: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def bodies(self, event: str) -> list[dict[str, Any]]:
        return [post.body for post in self.posts if post.body["event"] == event]

    async def take(self, request: Request) -> Response:
        post = Post({name.lower(): value for name, value in request.headers.items()}, await request.body())
        self.posts.append(post)
        number, chat = len(self.posts), post.body["payload"].get("from", "")
        self.in_flight[chat] = self.in_flight.get(chat, 0) + 1
        self.most_in_flight_per_chat = max(self.most_in_flight_per_chat, self.in_flight[chat])
        await asyncio.sleep(self.seconds)
        self.in_flight[chat] -= 1
        answer = self.answer(number, post)
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return Response(status_code=status, headers=headers)


@pytest.fixture
def free_ports() -> Callable[[], int]:
    return free_port


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver(free_port())
    app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
    server = Server(Config(app, port=receiver.port, ws="none", lifespan="off", log_config=None, access_log=False))
    serving = asyncio.get_running_loop().create_task(server._serve())
    await eventually(lambda: server.started, every_s=0.01)
    yield receiver
    server.should_exit = server.force_exit = True
    await serving


class World:
    """One simulator with a session `shop`, and the calls that tests make."""

    def __init__(self, running: RunningSimulator, client: httpx.AsyncClient, receiver: Receiver) -> None:
        self.running = running
        self.simulator = running.simulator
        self.client = client
        self.receiver = receiver

    async def control(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.client.post(f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def open_session(self, name: str = "shop", engine: str = "GOWS", **config: Any) -> None:
        """Create, start and pair a session whose webhook is the receiver."""
        webhook = {
            "url": self.receiver.url,
            "events": config.pop("events", ["message.any", "message.ack", "message.ack.group"]),
            "hmac": {"key": HMAC_KEY},
            "retries": config.pop("retries", {"policy": "constant", "delaySeconds": 1, "attempts": 5}),
        }
        body = {"name": name, "start": True, "config": {"webhooks": [webhook], **config}}
        answer = await self.client.post(f"/api/sessions?engine={engine}", json=body)
        assert answer.status_code == 201, answer.text
        await self.control(f"sessions/{name}/scan", phone="5511940001000", lid="990000000000001", name="Loja")

    async def writes(self, text: str = "Olá, tudo bem? 😀", **more: Any) -> dict[str, Any]:
        customer = more.pop("customer", {"phone": "5521955550001", "lid": "880000000000001", "name": "Zélia"})
        return await self.control("customer/writes", session="shop", customer=customer, text=text, **more)

    async def drain(self) -> None:
        assert (await self.control("drain", seconds=10))["drained"]

    async def lines(self, book: str = "webhooks") -> list[dict[str, Any]]:
        answer = await self.client.get(f"/control/ledger/{book}")
        return [json.loads(line) for line in answer.text.splitlines()]


OpenWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def open_world(receiver: Receiver, tmp_path: Path) -> AsyncIterator[OpenWorld]:
    """Start simulators as a test needs them; WAHA's seconds pass a hundred times faster."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**changes: Any) -> World:
            settings = Settings(
                **{"api_key": "api key", "control_key": "control key", "port": free_port(), "time_factor": 0.01}
                | changes
            )
            running = await stack.enter_async_context(RunningSimulator(settings))
            headers = {"X-Api-Key": "api key", "X-Control-Key": "control key"}
            client = httpx.AsyncClient(base_url=running.url, headers=headers, timeout=10, trust_env=False)
            await stack.enter_async_context(client)
            return World(running, client, receiver)

        yield start


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """A simulator with the working GOWS session `shop`."""
    world = await open_world()
    await world.open_session()
    return world
