"""The floor (bench/floor): the bare four-hop line, measured on the same servers as ours, in turns with it.

Its generator is wrk, closed-loop: each connection waits for its answer before it sends again, so its rate is the most that the connections
carry and its latencies hide stalls. It is a yardstick for the rate, not for latencies.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from stand import Stand

SCRIPT = Path(__file__).resolve().parent / "floor" / "run.sh"
SEEN = re.compile(r"total \d+\s+(\d+)/s\s+p50 (\d+) ms\s+p99 (\d+) ms")


def floor(stand: Stand, seconds: float, connections: int) -> dict[str, float]:
    """Run the floor on the servers of a stack that is down. Raises SystemExit without wrk, or where it measures nothing."""
    if shutil.which("wrk") is None:
        raise SystemExit("the floor needs wrk (apt-get install wrk); leave it out with T='--only inbound'")
    instance = stand.instance
    instance.start()
    try:
        printed = subprocess.run(
            ["bash", str(SCRIPT)],
            check=True,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "DSN": instance.postgres_superuser_dsn,
                "AMQP": instance.rabbitmq_url,
                "PYTHON": sys.executable,
                "SECONDS_": str(int(seconds)),
                "C": str(connections),
                "PORT": str(instance.ports["gateway"]),
            },
            timeout=seconds + 90,
        ).stdout
    finally:
        instance.stop()
    seen = [tuple(map(float, found)) for found in SEEN.findall(printed)]
    # The first two seconds begin in the middle, and the last ones end there.
    steady = seen[1:-1] or seen
    if not steady:
        raise SystemExit(f"the floor measured nothing:\n{printed}")
    print(f"  floor, {connections} connections: {_mean(steady, 0):.0f}/s", flush=True)
    return {
        "per_s": round(_mean(steady, 0), 1),
        "p50_ms": sorted(p50 for _, p50, _ in steady)[len(steady) // 2],
        "p99_ms": max(p99 for _, _, p99 in steady),
    }


def _mean(rows: list[tuple[float, ...]], column: int) -> float:
    return sum(row[column] for row in rows) / len(rows)
