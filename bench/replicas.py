"""How it scales out: one and two replicas of a consumer (messaging) drain the same pile of 40,000 messages, in turns.

The first process of messaging is held back. Replicas with ports of their own take its place (`--only consume,relay`), are stopped by
SIGSTOP once they consume, and all customers write twice. Then they go on, and what is stored is counted four times a second. Starting
them is so no part of the time. Partitions are shared by REPLICA_INDEX and REPLICAS; the broker says who consumes what.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from line import Line
from local_stack.answering import answers_ready
from local_stack.keeping import held_back
from local_stack.ports import free_ports
from local_stack.process_table import SERVICES, module_command, service_environment
from local_stack.processes import Process, detach, until
from stand import Stand
from tables import print_rows

SERVICE = next(each for each in SERVICES if each.name == "messaging")
ONLY = "consume,relay"
TURNS = (1, 2, 1, 2)
PILED_TIMES, CONNECTIONS = 2, 64
STORED = "select coalesce(sum(last_sequence), 0)::bigint from messaging.chats"
LOOK_EVERY_S, DRAINED_WITHIN_S = 0.25, 90.0


def measure(stand: Stand) -> dict[str, Any]:
    """Return messages a second with one replica and with two, each turn for itself; there are as many partitions as replicas."""
    stand.fresh(BENCH_BUS_PARTITIONS=str(max(TURNS)))
    line = Line(stand)
    line.meet(CONNECTIONS)
    with _held_back(stand):
        turns = [_turn(stand, line, count) for count in TURNS]
    print_rows(turns, "replicas", "per_s", "messages", "queues_of_each", "cores_in_use")
    return {f"replicas_{count}": [turn for turn in turns if turn["replicas"] == count] for count in sorted(set(TURNS))}


def _turn(stand: Stand, line: Line, count: int) -> dict[str, Any]:
    replicas = [_started(stand, index, count) for index in range(count)]
    try:
        shares = _shares(stand)
        for replica in replicas:
            replica.signal(signal.SIGSTOP)
        stored = asyncio.run(_stored(stand))
        piled = sum(line.all_write(CONNECTIONS).answers.get("200", 0) for _ in range(PILED_TIMES))
        stand.wait_until_drained()
        before = stand.cpu()
        for replica in replicas:
            replica.signal(signal.SIGCONT)
        took_s = asyncio.run(_until_stored(stand, stored + piled))
        after = stand.cpu()
        stand.wait_until_drained()
    finally:
        for replica in replicas:
            replica.signal(signal.SIGCONT)
            replica.stop(27)
    return {
        "replicas": count,
        "messages": piled,
        "per_s": round(piled / took_s),
        "queues_of_each": shares,
        "cpu_s_per_1000": {
            name: round(1000 * (used - before.get(name, 0.0)) / piled, 4) for name, used in sorted(after.items())
        },
        "cores_in_use": round((sum(after.values()) - sum(before.values())) / took_s, 2),
    }


@contextmanager
def _held_back(stand: Stand) -> Iterator[None]:
    """Keep the supervisor's own process of the service away."""
    instance = stand.instance
    held = held_back(instance.folder, SERVICE.name)
    held.parent.mkdir(exist_ok=True)
    held.touch()
    try:
        first = Process.recorded(instance.records / f"{SERVICE.name}.json")
        if first is None:
            raise SystemExit(f"{SERVICE.name} does not run")
        first.stop(27)
        yield
    finally:
        held.unlink(missing_ok=True)


def _started(stand: Stand, index: int, count: int) -> Process:
    instance, ports = stand.instance, free_ports(stand.instance.name)
    metrics = ports[f"{SERVICE.port}_metrics"]
    own = {
        "PORT": str(ports[SERVICE.port]),
        "METRICS_PORT": str(metrics),
        "REPLICA_INDEX": str(index),
        "REPLICAS": str(count),
    }
    started = detach(
        [*module_command(SERVICE.module, "run"), "--only", ONLY],
        environment=service_environment(instance, SERVICE) | {"LOG_LEVEL": "info"} | own,
        cwd=instance.root,
        log=instance.logs / f"replica-{index}-{SERVICE.name}.log",
    )
    started.record(
        instance.records / f"replica-{index}-{SERVICE.name}.json"
    )  # so that `down` finds one that was forgotten
    if not until(lambda: answers_ready(f"http://127.0.0.1:{metrics}/ready"), 30, 0.2):
        raise SystemExit(f"replica {index} was not ready within 30 s")
    return started


def _shares(stand: Stand) -> list[int]:
    """Return how many of the service's queues each replica consumes, as the broker says."""
    listed = stand.instance.rabbitmq().control("list_consumers", "queue_name", "channel_pid", "active").stdout
    rows = [line.split("\t") for line in listed.splitlines()]
    partitions = [row for row in rows if row[0].startswith(f"{SERVICE.name}.") and not row[0].endswith(".dlq")]
    return sorted(Counter(row[1] for row in partitions if row[-1] == "true").values())


async def _stored(stand: Stand) -> int:
    connection = await asyncpg.connect(stand.instance.postgres_superuser_dsn)
    try:
        return int(await connection.fetchval(STORED))
    finally:
        await connection.close()


async def _until_stored(stand: Stand, wanted: int) -> float:
    """Return after how many seconds so many are stored."""
    connection, began = await asyncpg.connect(stand.instance.postgres_superuser_dsn), time.monotonic()
    try:
        while (stored := await connection.fetchval(STORED)) < wanted:
            if time.monotonic() - began > DRAINED_WITHIN_S:
                raise SystemExit(f"{wanted - stored} messages were not stored within {DRAINED_WITHIN_S:g} s")
            await asyncio.sleep(LOOK_EVERY_S)
        return time.monotonic() - began
    finally:
        await connection.close()
