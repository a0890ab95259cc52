"""Identity as a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from testkit.listening import free_port
from testkit.plugin import EmptyDatabaseOf
from testkit.serving import TESTS_KEY, public_pem


def environment(database: Any, servers: Any, **more: str) -> dict[str, str]:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "ENV": "test",
        "APP_BASE_URL": "http://localhost:8080",
        "DATABASE_URL": database.app_dsn,
        "DATABASE_OWNER_URL": database.owner_dsn,
        "DATABASE_RELAY_URL": database.relay_dsn,
        "RABBITMQ_URL": servers.rabbitmq_url,
        "BUS_PARTITIONS": "2",
        "INTERNAL_TOKEN_PUBLIC_KEYS": public_pem(TESTS_KEY),
        "JWT_PRIVATE_KEY": key,
        "MAIL_OUTBOX": "/nonexistent/mail",
        "ENCRYPTION_AES_KEY": "k1:" + "A" * 43 + "=",
        **more,
    }


def start(log: Path, variables: dict[str, str]) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen([sys.executable, "-m", "identity", "run"], env=variables, stdout=output, stderr=output)


def identity(*arguments: str, variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "identity", *arguments], env=variables, capture_output=True, text=True, timeout=60
    )


async def test_it_migrates_serves_and_stops(empty_database_of: EmptyDatabaseOf, servers: Any, tmp_path: Path) -> None:
    port, metrics_port = free_port(), free_port()
    database = await empty_database_of("identity")
    variables = environment(database, servers, PORT=str(port), METRICS_PORT=str(metrics_port))
    for _ in range(2):
        done = await asyncio.to_thread(identity, "migrate", variables=variables)
        assert done.returncode == 0, done.stderr
    process = start(tmp_path / "log", variables)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            for _ in range(150):
                try:
                    if (await client.get("/live")).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                assert process.poll() is None, (tmp_path / "log").read_text()
                await asyncio.sleep(0.1)
            body = {"name": "Ana", "email": "ana@example.com", "password": "um cavalo bebe chá frio"}
            made = await client.post("/api/v1/auth/register", json=body)
            assert made.status_code == 201, made.text
            assert len((await client.get("/.well-known/jwks.json")).json()["keys"]) == 1
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0
    finally:
        process.kill()
        process.wait()
    text = (tmp_path / "log").read_text()
    assert "ana@example.com" not in text and "vk_" not in text and "cavalo" not in text


async def test_it_refuses_to_start_in_one_sentence(empty_database_of: EmptyDatabaseOf, servers: Any) -> None:
    wrong = {"JWT_PRIVATE_KEY": "", "JWT_ACCESS_MINUTES": "61", "PASSWORD_HASH_COST": "low", "ENV": "production"}
    variables = environment(await empty_database_of("identity"), servers, **wrong)

    done = await asyncio.to_thread(identity, "run", variables=variables)

    assert done.returncode == 1
    for told in ("JWT_PRIVATE_KEY is required", "JWT_ACCESS_MINUTES must lie between", "refused where ENV is not test"):
        assert told in done.stderr
    assert "Traceback" not in done.stderr
