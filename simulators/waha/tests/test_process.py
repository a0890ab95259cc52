from __future__ import annotations

import ast
import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from waha_simulator.settings import Settings, SettingsError

SOURCES = Path(__file__).parent.parent / "src"
KEYS = {"WAHA_API_KEY": "a", "WAHA_SIMULATOR_CONTROL_KEY": "c"}


async def start(**environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "waha_simulator", env={**os.environ, **environment}, stderr=asyncio.subprocess.PIPE
    )


async def test_it_runs_as_a_process_and_stops_quickly(free_ports: Callable[[], int]) -> None:
    port, metrics = free_ports(), free_ports()
    process = await start(PORT=str(port), METRICS_PORT=str(metrics), **KEYS)
    async with httpx.AsyncClient(trust_env=False) as client:
        for url in (f"http://127.0.0.1:{metrics}/ready", f"http://127.0.0.1:{port}/ping"):
            until = time.monotonic() + 10
            while True:
                try:
                    answer = await client.get(url)
                    break
                except httpx.TransportError:
                    assert time.monotonic() < until
                    await asyncio.sleep(0.05)
            assert answer.status_code == 200
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), 5)
    assert (process.returncode, time.monotonic() - asked < 4) == (0, True)
    assert b"Traceback" not in errors


async def test_a_taken_port_gets_one_sentence() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = await start(PORT=str(port), **KEYS)
    _, errors = await asyncio.wait_for(process.communicate(), 10)
    server.close()
    assert process.returncode == 2
    assert errors.decode().count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in errors.decode() and "set PORT" in errors.decode()


def test_every_mistake_in_the_environment_is_named() -> None:
    wrong = {"HOST": "0.0.0.0", "WHATSAPP_DEFAULT_ENGINE": "VENOM", "PORT": "high"}
    with pytest.raises(SettingsError) as problem:
        Settings.from_environment(wrong)
    for word in ("WAHA_API_KEY", "WAHA_SIMULATOR_CONTROL_KEY", "loopback", "VENOM", "PORT"):
        assert word in str(problem.value)


def test_the_simulator_imports_nothing_of_the_project() -> None:
    allowed = {*sys.stdlib_module_names, "aiohttp", "starlette", "uvicorn", "uvloop", "waha_simulator"}
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, path
