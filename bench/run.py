"""The benchmark of the inbound line: `make bench`.

For each number of partitions a fresh stack takes webhooks as fast as its door answers, and a subscriber measures when the stored message
is heard. Beside it, on the same machine and in the same minutes, the floor: the bare line with nothing on it. Everything, the load generator
included, shares the machine's cores, and the machine is shared with others: read the ratios, not the absolute figures.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from cpu import cpu_by_name
from local_stack.instances import Instance

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
INSTANCE = "bench"


def stack(*arguments: str, **environment: str) -> None:
    """Run a command of the local stack on the benchmark's instance."""
    subprocess.run(
        [sys.executable, "-m", "local_stack", *arguments, "--instance", INSTANCE],
        check=True,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        timeout=300,
    )


def channel_of(instance: Instance) -> tuple[str, str]:
    """Register a tenant and connect a channel; return the webhook's address and key."""
    ports = instance.ports
    with httpx.Client(base_url=f"http://127.0.0.1:{ports['gateway']}/api/v1", timeout=30, trust_env=False) as client:
        registered = client.post(
            "/auth/register",
            json={
                "name": "Bench",
                "email": f"bench-{time.time_ns()}@example.com",
                "password": "a long and odd passphrase 7",
            },
        )
        registered.raise_for_status()
        made = client.post(
            "/crm/channels",
            headers={"X-API-Key": registered.json()["api_key"]},
            json={
                "name": "Bench",
                "type": "waha",
                "waha_config": {
                    "base_url": f"http://127.0.0.1:{ports['simulator']}",
                    "api_key": instance.secrets["waha_api_key"],
                    "session_id": "default",
                },
            },
        )
        made.raise_for_status()
        channel = made.json()
    address = f"http://127.0.0.1:{ports['channel_gateway']}/api/v1/webhooks/{channel['webhook_id']}"
    return address, channel["webhook_secret"]


def measure(seconds: float, connections: int, partitions: int, first: bool) -> dict[str, Any]:
    """Measure a fresh stack with that many partitions; `first`: most customers write for the first time."""
    stack("reset")
    stack("up", BENCH_BUS_PARTITIONS=str(partitions))
    instance = Instance.open(INSTANCE)
    address, key = channel_of(instance)
    # Caches, plans and connections; and who is who, unless they shall be new.
    load(address, key, 3 if first else None, connections)
    wait_until_drained(instance)
    sink = subprocess.Popen(
        [sys.executable, str(HERE / "sink.py"), instance.rabbitmq_url], stdout=subprocess.PIPE, text=True
    )
    assert sink.stdout is not None
    sink.stdout.readline()
    before = cpu_by_name(INSTANCE)
    loaded = load(address, key, seconds, connections)
    wait_until_drained(instance)
    after = cpu_by_name(INSTANCE)
    time.sleep(1)
    sink.terminate()
    heard = json.loads(sink.communicate(timeout=20)[0])
    idle = idle_latency(instance, address, key)
    stack("down")
    return {
        "partitions": partitions,
        "door": loaded,
        "heard": heard,
        "idle_p50_ms": idle,
        "cpu_ms_per_message": {
            name: round(1000 * (after[name] - before.get(name, 0)) / max(heard["heard"], 1), 4)
            for name in sorted(after)
        },
    }


def load(address: str, key: str, seconds: float | None, connections: int) -> dict[str, Any]:
    """Run the load generator in a process of its own; without `seconds` each customer writes once."""
    done = subprocess.run(
        [
            sys.executable,
            str(HERE / "load.py"),
            address,
            key,
            *([] if seconds is None else ["--seconds", str(seconds)]),
            "--connections",
            str(connections),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=330 if seconds is None else seconds + 60,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def idle_latency(instance: Instance, address: str, key: str) -> float:
    """Return the median milliseconds from webhook to subscriber, one message at a time."""
    sink = subprocess.Popen(
        [sys.executable, str(HERE / "sink.py"), instance.rabbitmq_url], stdout=subprocess.PIPE, text=True
    )
    assert sink.stdout is not None
    sink.stdout.readline()
    for _ in range(15):
        load(address, key, 0.001, 1)
        time.sleep(0.2)
    sink.terminate()
    found: float = json.loads(sink.communicate(timeout=20)[0])["p50_ms"]
    return found


def wait_until_drained(instance: Instance, within_s: float = 120) -> None:
    """Wait until no outbox holds anything that was not published, twice in a row."""
    import asyncio

    import asyncpg

    async def pending() -> int:
        connection = await asyncpg.connect(instance.postgres_superuser_dsn)
        try:
            total = 0
            for schema in ("channel_gateway", "contact", "session", "messaging", "pipeline_automation", "billing"):
                total += await connection.fetchval(f"select count(*) from {schema}.outbox_pending")
            return total
        finally:
            await connection.close()

    deadline, quiet = time.monotonic() + within_s, 0
    while quiet < 3:
        quiet = quiet + 1 if asyncio.run(pending()) == 0 else 0
        if time.monotonic() > deadline:
            raise SystemExit("the line did not drain")
        time.sleep(0.4)


def floor(seconds: float, connections: int) -> dict[str, Any] | None:
    """Run the floor on the same servers; None without wrk."""
    if shutil.which("wrk") is None:
        return None
    instance = Instance.open(INSTANCE)
    instance.start()
    environment = {
        **os.environ,
        "DSN": instance.postgres_superuser_dsn,
        "AMQP": instance.rabbitmq_url,
        "PYTHON": sys.executable,
        "SECONDS_": str(int(seconds)),
        "C": str(connections),
        "PORT": str(instance.ports["gateway"]),
    }
    printed = subprocess.run(
        ["bash", str(HERE / "floor" / "run.sh")],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        timeout=seconds + 90,
    ).stdout
    instance.stop()
    seen = [
        tuple(map(float, found)) for found in re.findall(r"total \d+\s+(\d+)/s\s+p50 (\d+) ms\s+p99 (\d+) ms", printed)
    ]
    steady = seen[1:-1] or seen
    if not steady:
        raise SystemExit(f"the floor measured nothing:\n{printed}")
    return {
        "per_s": sum(rate for rate, _, _ in steady) / len(steady),
        "p50_ms": sorted(p50 for _, p50, _ in steady)[len(steady) // 2],
        "p99_ms": max(p99 for _, _, p99 in steady),
    }


def main() -> None:
    """Measure, print, and keep the figures in `.ventros/bench.json`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--partitions", default="2,4,8")
    parser.add_argument("--first", action="store_true", help="let most customers write for the first time")
    wanted = parser.parse_args()
    results = [
        measure(wanted.seconds, wanted.connections, int(each), wanted.first) for each in wanted.partitions.split(",")
    ]
    bare = floor(wanted.seconds, wanted.connections)
    stack("reset")
    (ROOT / ".ventros").mkdir(exist_ok=True)
    (ROOT / ".ventros" / "bench.json").write_text(json.dumps({"line": results, "floor": bare}, indent=2))
    print(
        f"\n{'partitions':>10} {'end to end/s':>13} {'of the floor':>13} {'p50 ms':>8} {'p99 ms':>8} {'idle ms':>8} {'not 200':>8} {'lost':>5}"
    )
    for each in results:
        heard, door = each["heard"], each["door"]
        ratio = f"{heard['per_s'] / bare['per_s']:.2f}" if bare else "–"
        refused = sum(count for status, count in door["answers"].items() if str(status) != "200")
        print(
            f"{each['partitions']:>10} {heard['per_s']:>13.0f} {ratio:>13} {heard['p50_ms']:>8.0f} {heard['p99_ms']:>8.0f}"
            f" {each['idle_p50_ms']:>8.0f} {refused:>8} {door['accepted'] - heard['distinct']:>5}"
        )
    if bare:
        print(f"{'floor':>10} {bare['per_s']:>13.0f} {'1.00':>13} {bare['p50_ms']:>8.0f} {bare['p99_ms']:>8.0f}")
    print("\nCPU milliseconds per message, by process:")
    for each in results:
        print(
            f"  {each['partitions']} partitions: "
            + ", ".join(f"{k} {v:.3f}" for k, v in each["cpu_ms_per_message"].items())
        )


if __name__ == "__main__":
    main()
