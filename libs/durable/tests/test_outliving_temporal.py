"""Against a real development server, which is taken away and brought back."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import run
from types import SimpleNamespace

import pytest
from counting_workflow import CALLS, Counts, Waits, note
from durable.settings import TemporalSettings, read_temporal_settings
from durable.standing import Standing, StandingWorkflows
from durable.temporal import Temporal, TemporalAwayError
from durable.working import Definitions, TaskQueueWorker
from google.protobuf.duration_pb2 import Duration
from kernel.ids import new_id
from kernel.settings import Environment, SettingsError
from telemetry.metrics import value_of
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from testkit.eventually import eventually
from testkit.own_temporal import OwnTemporal

NOWHERE = TemporalSettings("127.0.0.1:1")


def a_temporal(server: OwnTemporal) -> Temporal:
    """Return a client of the server."""
    return Temporal(TemporalSettings(server.address, server.namespace), "tests")


def a_worker(temporal: Temporal, queue: str) -> TaskQueueWorker:
    """Return a worker that can do what the tests' workflows ask for."""
    return TaskQueueWorker(temporal, queue, lambda: Definitions([Counts, Waits], [note]))


@asynccontextmanager
async def running(*roles: TaskQueueWorker | StandingWorkflows) -> AsyncIterator[None]:
    """Run roles, and stop them within their time."""
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(role.run(stopping)) for role in roles]
    try:
        yield
    finally:
        stopping.set()
        async with asyncio.timeout(20):
            await asyncio.gather(*tasks)


def test_nothing_of_temporal_is_loaded_until_it_is_needed() -> None:
    program = "import sys, durable.temporal, durable.working, durable.standing; sys.exit('temporalio' in sys.modules)"

    assert run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0


def test_an_installation_without_temporal_has_no_settings_and_a_wrong_address_is_told() -> None:
    assert read_temporal_settings(Environment({})) is None
    assert read_temporal_settings(Environment({"TEMPORAL_HOST": "t:7233"})) == TemporalSettings("t:7233", "ventros-crm")
    env = Environment({"TEMPORAL_HOST": "somewhere"})
    read_temporal_settings(env)
    with pytest.raises(SettingsError, match="host:port"):
        env.check()


def test_a_worker_a_health_check_and_standing_workflows_may_all_begin_at_once() -> None:
    """The library's modules import each other in a circle: who meets a half-made one gets an AttributeError."""
    program = """
import asyncio
from durable.settings import TemporalSettings
from durable.standing import Standing, StandingWorkflows
from durable.temporal import Temporal
from durable.working import Definitions, TaskQueueWorker

async def main():
    temporal, stopping = Temporal(TemporalSettings("127.0.0.1:1"), "tests"), asyncio.Event()
    roles = [TaskQueueWorker(temporal, "q", lambda: Definitions([], [])), StandingWorkflows(temporal, [])]
    tasks = [asyncio.create_task(role.run(stopping)) for role in roles]
    for _ in range(50):
        tasks.append(asyncio.create_task(temporal.answers()))
        await asyncio.sleep(0.01)
    stopping.set()
    await asyncio.gather(*tasks)

asyncio.run(main())
"""

    assert run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


async def test_a_server_that_is_away_is_told_once_and_refuses_within_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    temporal = Temporal(NOWHERE, "tests")

    lines: list[str] = []
    monkeypatch.setattr("durable.temporal.log", SimpleNamespace(warning=lambda event, **_: lines.append(event)))
    for _ in range(3):
        assert not await temporal.answers()
        with pytest.raises(TemporalAwayError):
            async with asyncio.timeout(11), temporal.reached():
                pass

    assert lines == ["Temporal is away; what waits for it catches up later"]


async def test_an_unknown_namespace_is_no_answer(server: OwnTemporal) -> None:
    assert await a_temporal(server).answers()
    assert not await Temporal(TemporalSettings(server.address, "nobodys"), "tests").answers()


async def test_a_standing_workflow_is_started_once_and_its_runs_are_counted(server: OwnTemporal) -> None:
    temporal = a_temporal(server)
    queue, id = new_id(), new_id()
    standing = StandingWorkflows(temporal, [Standing("counts", id, queue, [1, 2, 3])])
    CALLS.clear()
    before = value_of("temporal_workflow_executions_total", workflow="counts", result="continued")

    await standing.start_missing()
    await standing.start_missing()
    async with running(a_worker(temporal, queue)), temporal.reached(30) as client:
        assert await client.get_workflow_handle(id).result() == 3

    assert CALLS == [1, 2, 3]
    after = value_of("temporal_workflow_executions_total", workflow="counts", result="continued")
    assert after - before == 2
    assert value_of("temporal_workflow_executions_total", workflow="counts", result="completed") >= 1
    assert value_of("temporal_activity_executions_total", activity="note", result="completed") >= 3
    assert value_of("temporal_workflow_latency_seconds_sum", workflow="counts") > 0.001


async def test_a_worker_started_before_temporal_works_once_it_is_there(tmp_path: Path) -> None:
    server = OwnTemporal(tmp_path)
    temporal = a_temporal(server)
    queue, id = new_id(), new_id()
    CALLS.clear()

    async with running(a_worker(temporal, queue), StandingWorkflows(temporal, [Standing("counts", id, queue, [7])])):
        await asyncio.sleep(0.5)
        assert value_of("temporal_starts_waiting") == 1
        async with server:
            await eventually(lambda: CALLS == [7], within_s=60)
            assert value_of("temporal_starts_waiting") == 0


async def test_a_worker_whose_namespace_is_missing_works_once_it_is_made(server: OwnTemporal) -> None:
    temporal = Temporal(TemporalSettings(server.address, f"late-{new_id()}"), "tests")
    queue, id = new_id(), new_id()
    CALLS.clear()

    async with running(a_worker(temporal, queue), StandingWorkflows(temporal, [Standing("counts", id, queue, [5])])):
        await asyncio.sleep(0.5)
        async with a_temporal(server).reached() as client:
            await client.workflow_service.register_namespace(
                RegisterNamespaceRequest(
                    namespace=temporal.namespace, workflow_execution_retention_period=Duration(seconds=24 * 3600)
                )
            )
        await eventually(lambda: CALLS == [5], within_s=60)


async def test_work_goes_on_after_temporal_was_killed(server: OwnTemporal) -> None:
    temporal = a_temporal(server)
    queue = new_id()
    CALLS.clear()

    async with running(a_worker(temporal, queue)):
        await StandingWorkflows(temporal, [Standing("counts", new_id(), queue, [1])]).start_missing()
        await eventually(lambda: CALLS == [1], within_s=60)
        await server.kill()
        try:
            assert not await temporal.answers()
        finally:
            await server.start()
        await eventually(temporal.answers, within_s=60)
        await StandingWorkflows(temporal, [Standing("counts", new_id(), queue, [2])]).start_missing()
        await eventually(lambda: CALLS == [1, 2], within_s=60)


async def test_a_worker_stops_within_its_time_while_temporal_is_away(server: OwnTemporal) -> None:
    temporal = a_temporal(server)
    queue = new_id()

    try:
        async with running(a_worker(temporal, queue)):
            await StandingWorkflows(temporal, [Standing("waits", new_id(), queue, "")]).start_missing()
            await asyncio.sleep(0.5)
            await server.kill()
    finally:
        await server.kill()
        await server.start()
