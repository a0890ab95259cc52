"""Temporal: a workflow is started and finished here, and the product's own timekeepers turn."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from kernel.ids import new_id

from local_stack.doctor.finding import Finding, Of, in_words, make, said
from local_stack.instances import Instance
from local_stack.temporal_standing import standing

TEMPORAL = Of("temporal")
TIMEKEEPERS = Of("timekeepers")
QUEUE, TIMEKEEPER = "session-management", "session-timekeeper"
_CONNECT_SECONDS, _RUN_SECONDS, _QUERY_SECONDS = 5.0, 20.0, 5.0
_LATE_SECONDS = 60.0


async def examine(instance: Instance) -> list[Finding]:
    """Run a workflow, then ask the timekeepers."""
    stands = standing(instance)
    if stands.state in ("coming", "missing"):
        told, _, repair = stands.words.partition(". Repair it in ")
        return [TEMPORAL.warn(told, repair or make(instance, "logs SERVICE=temporal-program"))]
    if stands.state == "starting":
        told = f"does not answer at {instance.temporal_host}, so sessions wait with ending"
        return [TEMPORAL.fail(told, f"{make(instance, 'logs SERVICE=temporal')}, then {make(instance, 'down up')}")]
    from temporalio.client import Client

    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            client = await Client.connect(instance.temporal_host, namespace=instance.temporal_namespace)
    except (TimeoutError, RuntimeError) as error:
        told = f"does not answer at {instance.temporal_host}: {said(error)}"
        return [TEMPORAL.fail(told, "is TEMPORAL_HOST right, and does it run?")]
    ran = await _run_a_workflow(client, instance)
    return [ran] if ran.grade == "FAIL" else [ran, await _timekeepers(client, instance)]


async def _run_a_workflow(client: Any, instance: Instance) -> Finding:
    """As worker and client at once, on a task queue of its own."""
    from temporalio.client import WorkflowFailureError
    from temporalio.service import RPCError
    from temporalio.worker import Worker

    from local_stack.doctor.checkup import Checkup, echo

    name = f"doctor-{new_id()}"
    worker = Worker(client, task_queue=name, workflows=[Checkup], activities=[echo])
    try:
        async with asyncio.timeout(_RUN_SECONDS), worker:
            started = time.monotonic()
            longest = timedelta(seconds=_RUN_SECONDS)
            await client.execute_workflow(Checkup.run, name, id=name, task_queue=name, execution_timeout=longest)
            took = 1000 * (time.monotonic() - started)
    except (TimeoutError, RPCError, RuntimeError, WorkflowFailureError) as error:
        told = f"a workflow could not be run in namespace {instance.temporal_namespace}: {said(error)}"
        return TEMPORAL.fail(told, make(instance, "logs SERVICE=temporal"))
    return TEMPORAL.ok(f"a workflow with a timer and an activity ran in {took:.0f} ms")


async def _timekeepers(client: Any, instance: Instance) -> Finding:
    """Every shard of the sessions has one that has turned lately."""
    from temporalio.service import RPCError

    logs = make(instance, "logs SERVICE=session")
    shards = int(instance.environment.get("TIMEKEEPER_SHARDS", "1"))
    wrong = []
    for shard in range(shards):
        handle = client.get_workflow_handle(f"{TIMEKEEPER}-{shard}")
        try:
            turn = await handle.query("last_turn", rpc_timeout=timedelta(seconds=_QUERY_SECONDS))
        except RPCError as error:
            wrong.append(f"{TIMEKEEPER}-{shard} does not answer ({error.status.name.lower()})")
            continue
        at = (turn or {}).get("at")
        age = (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds() if at else _LATE_SECONDS + 1
        if age > _LATE_SECONDS:
            wrong.append(f"{TIMEKEEPER}-{shard} has not turned for {age:.0f} s")
        elif turn.get("held_back"):
            wrong.append(f"{TIMEKEEPER}-{shard} is held back: the sessions' consumer lags")
    if wrong:
        return TIMEKEEPERS.fail(in_words(wrong), f"is session ready? {make(instance, 'status')}, {logs}")
    return TIMEKEEPERS.ok(f"{shards} of {shards} turned within the last minute")
