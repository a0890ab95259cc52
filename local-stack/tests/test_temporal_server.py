import asyncio
import ipaddress
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, jobs, service_environment
from local_stack.processes import until
from local_stack.progress import NotYet
from local_stack.supervisor import Supervisor, servers_of
from local_stack.temporal_program import find
from local_stack.temporal_standing import standing
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowExecutionStatus

NAMESPACE = "ventros-crm"


def _without_program(folder: Path, base: int) -> dict[str, str]:
    return {"PATH": str(folder / "bin"), "XDG_CACHE_HOME": str(folder / "cache"), "VENTROS_PORT_BASE": str(base)}


@pytest.fixture(scope="module")
def program() -> Path:
    found = find(os.environ)
    if found is None:
        pytest.skip("Temporal's program is missing on this machine: `make temporal` brings it, once")
    return found


@pytest.fixture
def instance(tmp_path: Path, free_base: int, program: Path) -> Iterator[Instance]:
    """An instance without its program on PATH, until a test puts it there."""
    (tmp_path / "bin").mkdir()
    found = Instance.open("test-temporal", tmp_path, _without_program(tmp_path, free_base))
    yield found
    found.reset()


@pytest.fixture
def running(instance: Instance, tmp_path: Path, program: Path) -> Instance:
    (tmp_path / "bin" / "temporal").symlink_to(program)
    instance.start({"temporal"})
    return instance


def _kill(instance: Instance) -> None:
    process = instance.temporal().process()
    assert process is not None
    process.signal(signal.SIGKILL)
    assert process.wait_until_gone(5)


async def test_a_workflow_that_was_started_survives_a_killed_server(running: Instance) -> None:
    client = await Client.connect(running.temporal_host, namespace=NAMESPACE)
    started = await client.start_workflow("Anything", id="kept", task_queue="nobody")
    _kill(running)
    await asyncio.to_thread(running.start, {"temporal"})

    again = await Client.connect(running.temporal_host, namespace=NAMESPACE)
    found = await again.get_workflow_handle("kept").describe()

    assert found.run_id == started.result_run_id
    assert found.status == WorkflowExecutionStatus.RUNNING


async def test_what_has_ended_is_kept_for_a_week(running: Instance) -> None:
    client = await Client.connect(running.temporal_host, namespace=NAMESPACE)
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    assert found.config.workflow_execution_retention_ttl.ToTimedelta().days == 7


def test_it_listens_on_loopback_only(
    running: Instance, listening_addresses: Callable[[set[int]], dict[str, int]]
) -> None:
    process = running.temporal().process()
    assert process is not None
    listening = listening_addresses({process.pid})
    assert {running.ports[name] for name in ("temporal", "temporal_ui", "temporal_metrics")} <= set(listening.values())
    assert all(ipaddress.ip_address(place.split()[0]).is_loopback for place in listening)


def test_stopping_ends_it_and_starting_again_finds_it_ready(running: Instance) -> None:
    assert standing(running).state == "ready"
    running.stop()
    assert running.temporal().process() is None
    assert standing(running).state == "starting"


def test_without_its_program_it_is_told_that_it_is_missing(instance: Instance) -> None:
    with pytest.raises(NotYet):
        instance.start({"temporal"})
    assert standing(instance).state == "missing"


def test_the_supervisor_starts_it_when_its_program_comes_and_again_when_it_dies(
    instance: Instance, tmp_path: Path, program: Path
) -> None:
    server = instance.temporal()
    instance.records.mkdir()
    supervisor = Supervisor(instance.folder, [], {"temporal": server})
    thread = threading.Thread(target=supervisor.keep_alive)
    thread.start()
    try:
        assert not until(lambda: server.process() is not None, 1.5)
        (tmp_path / "bin" / "temporal").symlink_to(program)
        assert until(server.ready, 20)
        first = server.process()
        _kill(instance)
        assert until(server.ready, 20)
        assert server.process() not in (None, first)
        (told,) = json.loads((instance.folder / "state.json").read_text())
        assert told["restarts"] <= 1, "waiting for its program is no death"
    finally:
        supervisor.stop()
        thread.join(30)


def test_its_program_is_not_brought_behind_the_back_of_a_test(tmp_path: Path, free_base: int) -> None:
    environment = _without_program(tmp_path, free_base)
    assert jobs(Instance.open("test-x", tmp_path, environment)) == []
    assert [job.once for job in jobs(Instance.open("demo", tmp_path, environment))] == [True]


def test_a_server_of_one_s_own_is_used_and_none_started(tmp_path: Path) -> None:
    instance = Instance.open("demo", tmp_path, {"TEMPORAL_HOST": "temporal.example:7233", "TEMPORAL_NAMESPACE": "ours"})
    session = next(service for service in SERVICES if service.name == "session")
    environment = service_environment(instance, session)
    assert (environment["TEMPORAL_HOST"], environment["TEMPORAL_NAMESPACE"]) == ("temporal.example:7233", "ours")
    assert "temporal" not in servers_of(instance)
    assert jobs(instance) == []
    own = Instance.open("demo", tmp_path, {"TEMPORAL_HOST": f"127.0.0.1:{instance.ports['temporal']}"})
    assert own.external_temporal_host is None


def test_the_demo_s_temporal_is_not_meant_for_the_tests(tmp_path: Path) -> None:
    instance = Instance.open("test", tmp_path, {"TEMPORAL_HOST": "temporal.example:7233"})
    assert instance.external_temporal_host is None


def test_only_who_has_workflows_is_told_where_it_is(tmp_path: Path) -> None:
    instance = Instance.open("demo", tmp_path, {})
    told = {one.name for one in SERVICES if "TEMPORAL_HOST" in service_environment(instance, one)}
    assert told == {"session"}
