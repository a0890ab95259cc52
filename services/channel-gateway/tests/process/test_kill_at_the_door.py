"""The process dies wherever it can at the door; its provider repeats what was not answered; nothing is lost or doubled."""

import asyncio
import json
import os
import random
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from testkit.eventually import eventually
from testkit.listening import free_port
from testkit.servers import Servers, run_python
from waha_simulator.signing import webhook_headers
from web.internal_tokens import make_key

SEED = 20261121
MESSAGES = 120
AES_KEY = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def public_pem() -> str:
    from joserfc.jwk import OKPKey

    return OKPKey.import_key(make_key()).as_pem(private=False).decode()


class Process:
    """`python -m channel_gateway run`, killed and started again on the same port."""

    def __init__(self, gateway: Any, servers: Servers, log: Path) -> None:
        self.port, metrics = free_port(), free_port()
        self.log = log
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "ENV": "test",
            "DATABASE_URL": gateway.database.app_dsn,
            "DATABASE_RELAY_URL": gateway.database.relay_dsn,
            "RABBITMQ_URL": servers.rabbitmq_url,
            "BUS_PARTITIONS": "4",
            "PORT": str(self.port),
            "METRICS_PORT": str(metrics),
            "INTERNAL_TOKEN_PUBLIC_KEYS": public_pem(),
            "ENCRYPTION_AES_KEY": AES_KEY,
            "LOG_LEVEL": "warning",
        }
        self.starts = 0
        self._running: subprocess.Popen[bytes] | None = None

    def start(self, crash_at: str | None = None) -> None:
        armed = {} if crash_at is None else {"CRASH_AT": crash_at}
        # No relay: the topology of this database's events is nobody's.
        self._running = run_python(
            *("-m", "channel_gateway", "run", "--only", "api,work"),
            environment=self._environment | armed,
            log=str(self.log),
        )
        self.starts += 1

    @property
    def died(self) -> bool:
        return self._running is not None and self._running.poll() is not None

    @property
    def killed(self) -> bool:
        return self._running is not None and self._running.returncode == -signal.SIGKILL

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self._running is not None
        self._running.send_signal(how)
        return self._running.wait(30)

    async def ready(self, http: httpx.AsyncClient) -> None:
        async with asyncio.timeout(30):
            while True:
                assert not self.died, self.log.read_text()
                try:
                    answer = await http.get(f"http://127.0.0.1:{self.port}/ready")
                    assert answer.status_code == 200, answer.text
                    return
                except httpx.TransportError:
                    await asyncio.sleep(0.05)


@pytest.fixture
async def process(gateway: Any, servers: Servers, tmp_path: Path) -> Any:
    made = Process(gateway, servers, tmp_path / "channel-gateway.log")
    yield made
    if not made.died and made.starts:
        made.stop(signal.SIGKILL)


async def deliver(http: httpx.AsyncClient, process: Process, channel: Any, body: dict[str, Any]) -> list[int | None]:
    """Post like WAHA: again and again until it is answered 2xx. Return what was answered each time, None for nothing."""
    raw = json.dumps(body).encode()
    headers = webhook_headers(raw, key=channel.secret, request_id="r", timestamp_ms=1, version="2026.7.1")
    answers: list[int | None] = []
    while not answers or answers[-1] != 200:
        if answers:
            await asyncio.sleep(0.1)
        try:
            url = f"http://127.0.0.1:{process.port}/api/v1/webhooks/{channel.webhook_id}"
            answers.append((await http.post(url, content=raw, headers=headers)).status_code)
        except httpx.TransportError:
            answers.append(None)
    return answers


@pytest.mark.parametrize("crash_at", ["ingress.before_commit:3", "ingress.after_commit:3", "ingress.before_answer:40"])
async def test_killed_at_the_door_every_2xx_is_stored_once(
    gateway: Any, process: Process, text_of: Any, crash_at: str
) -> None:
    channel = await gateway.connect()
    draw = random.Random(SEED)
    bodies = [text_of(f"m{number}", bare_id=f"ID{number}") for number in range(MESSAGES)]
    process.start(crash_at)
    async with httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=16)) as http:
        await process.ready(http)

        async def supervise() -> None:
            await eventually(lambda: process.died, within_s=30, every_s=0.01)
            assert process.killed, process.log.read_text()
            process.start()

        async def one(body: dict[str, Any]) -> list[int | None]:
            await asyncio.sleep(draw.random() * 0.3)
            return await deliver(http, process, channel, body)

        supervising = asyncio.create_task(supervise())
        async with asyncio.timeout(60):
            answers = await asyncio.gather(*(one(body) for body in bodies))
            await supervising
    assert process.starts == 2
    assert all(each[-1] == 200 for each in answers)
    assert any(None in each for each in answers), "nobody noticed the crash"
    said = [event["data"]["provider_message_id"] for event in await gateway.said()]
    assert sorted(said) == sorted(f"ID{number}" for number in range(MESSAGES))
    applied = await gateway.rows("select dedupe_key from channel_gateway.inbound_deliveries where state = 'applied'")
    assert sorted(row["dedupe_key"] for row in applied) == sorted(f"message:ID{number}" for number in range(MESSAGES))
    (activity,) = await gateway.rows("select messages_received from channel_gateway.channel_activity")
    assert activity["messages_received"] == MESSAGES


async def test_told_to_stop_it_answers_what_it_has_taken_in(gateway: Any, process: Process, text_of: Any) -> None:
    channel = await gateway.connect()
    process.start()
    answered: list[int] = []
    async with httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=16)) as http:
        await process.ready(http)

        async def keep_posting(start: int) -> None:
            number = start
            while True:
                raw = json.dumps(text_of(f"m{number}", bare_id=f"ID{number}")).encode()
                headers = webhook_headers(raw, key=channel.secret, request_id="r", timestamp_ms=1, version="2026.7.1")
                url = f"http://127.0.0.1:{process.port}/api/v1/webhooks/{channel.webhook_id}"
                try:
                    answer = await http.post(url, content=raw, headers=headers)
                except httpx.ConnectError:
                    return  # it takes nothing in any more
                except httpx.TransportError:
                    return
                assert answer.status_code == 200
                answered.append(number)
                number += 16

        posting = [asyncio.create_task(keep_posting(start)) for start in range(16)]
        await asyncio.sleep(0.7)
        code = await asyncio.to_thread(process.stop)
        await asyncio.wait_for(asyncio.gather(*posting), 30)
    assert code == 0, process.log.read_text()
    assert len(answered) > 16
    said = {event["data"]["provider_message_id"] for event in await gateway.said()}
    assert {f"ID{number}" for number in answered} <= said


async def test_without_its_key_it_says_so_in_one_sentence_and_ends(
    gateway: Any, process: Process, text_of: Any
) -> None:
    await gateway.connect()
    process._environment["ENCRYPTION_AES_KEY"] = "k1:" + "A" * 43 + "="
    process.start()
    await eventually(lambda: process.died, within_s=20)
    said = process.log.read_text().strip()
    assert "ENCRYPTION_AES_KEY" in said
    assert "Traceback" not in said
