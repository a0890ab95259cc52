"""The doctor at servers of this test's own: each thing is broken for real, found, named with its repair, and put right again."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aio_pika
import asyncpg
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from bus.topology import Names, declare
from contracts.topology import Topology, load_topology
from kernel.ids import new_id
from local_stack.__main__ import main
from local_stack.answering import answers_ready
from local_stack.doctor import broker, clocks, databases, files, machine, processes, waha, walls, workflows
from local_stack.doctor.finding import Finding
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, SIMULATOR, module_command, programs, service_environment
from local_stack.processes import Process, run, until
from local_stack.temporal_program import find
from postgres.roles import create_service

CONTACT = next(service for service in SERVICES if service.name == "contact")
ONLY = [CONTACT]


def _complaints(found: list[Finding]) -> list[Finding]:
    complaints = [one for one in found if one.grade != "ok"]
    assert all(one.repair for one in complaints), "a complaint without its repair"
    return complaints


def _only(found: list[Finding], grade: str) -> Finding:
    (complaint,) = _complaints(found)
    assert complaint.grade == grade, complaint
    return complaint


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def instance(tmp_path_factory: pytest.TempPathFactory, free_base: int) -> AsyncIterator[Instance]:
    """Postgres with contact's tables and RabbitMQ with contact's queues."""
    environment = {"VENTROS_PORT_BASE": str(free_base), "PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    made = Instance.open("test-doctor", tmp_path_factory.mktemp("stack"), environment)
    await asyncio.to_thread(made.start)
    connection = await asyncpg.connect(made.postgres_superuser_dsn)
    await create_service(connection, "contact", made.secrets["postgres"]["services"]["contact"])
    await connection.close()
    migrated = await asyncio.to_thread(
        run, module_command("contact", "migrate"), environment=service_environment(made, CONTACT), seconds=120
    )
    assert migrated.returncode == 0, migrated.stderr
    async with await aio_pika.connect(made.rabbitmq_url) as broker_connection:
        await declare(await broker_connection.channel(), _topology_of_contact(), made.partitions)
    yield made
    await asyncio.to_thread(made.reset)


def _topology_of_contact() -> Topology:
    whole = load_topology()
    heard = {
        event: {"subscriptions": own, "transient": []}
        for event in whole.events
        if (own := [name for name in whole.subscriptions_of(event) if name.startswith("contact.")])
    }
    return Topology(whole.exchange, whole.dead_letter_exchange, heard)


def _queues(partitions: int) -> list[str]:
    found = []
    for service, consumer, _ in _topology_of_contact().all_subscriptions():
        names = Names(service, consumer)
        found += [*map(names.queue, range(partitions)), names.dead_letters]
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def administrator(instance: Instance) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(instance.postgres_superuser_dsn)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def channel(instance: Instance) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(instance.rabbitmq_url) as connection:
        yield await connection.channel()


async def _leave(_message: AbstractIncomingMessage) -> None:
    """Neither apply nor refuse it."""


@asynccontextmanager
async def _consumed(channel: AbstractChannel, names: list[str]) -> AsyncIterator[None]:
    """Stand in for the service: hold a consumer on its queues."""
    async with AsyncExitStack() as open_:
        for name in names:
            queue = await channel.get_queue(name)
            tag = await queue.consume(_leave)
            open_.push_async_callback(queue.cancel, tag)
        yield


# ---- Postgres


async def test_a_database_that_works_gets_no_complaint(instance: Instance) -> None:
    assert _complaints(await databases.examine(instance, ONLY)) == []


async def test_a_wrong_password_is_told_with_its_service(instance: Instance, administrator: asyncpg.Connection) -> None:
    own = instance.secrets["postgres"]["services"]["contact"]["app"]
    await administrator.execute("alter role contact_app password 'another'")
    complaint = _only(await databases.examine(instance, ONLY), "FAIL")
    await administrator.execute(f"alter role contact_app password '{own}'")
    assert "contact: its password is refused" in complaint.told
    assert "`make down up INSTANCE=test-doctor`" in complaint.repair


async def test_tables_of_another_version_are_told(instance: Instance, administrator: asyncpg.Connection) -> None:
    head = await administrator.fetchval("select version_num from contact.migrations")
    await administrator.execute("update contact.migrations set version_num = '0000'")
    complaint = _only(await databases.examine(instance, ONLY), "FAIL")
    await administrator.execute("update contact.migrations set version_num = $1", head)
    assert f"at 0000, this code wants {head}" in complaint.told


async def test_a_wall_that_was_taken_down_is_told(instance: Instance, administrator: asyncpg.Connection) -> None:
    await administrator.execute("alter table contact.parked_events disable row level security")
    complaint = _only(await databases.examine(instance, ONLY), "FAIL")
    hole = _only(await walls.examine(instance, ONLY), "FAIL")
    await administrator.execute("alter table contact.parked_events enable row level security")
    assert "another tenant reads its rows" in complaint.told
    assert hole.told == "contact: table parked_events: row-level security is not enabled and forced"
    assert _complaints(await walls.examine(instance, ONLY)) == []


async def test_a_right_that_was_taken_away_is_told(instance: Instance, administrator: asyncpg.Connection) -> None:
    await administrator.execute("revoke insert on contact.parked_events from contact_app")
    complaint = _only(await databases.examine(instance, ONLY), "FAIL")
    await administrator.execute("grant insert on contact.parked_events to contact_app")
    assert "contact: cannot write or read: InsufficientPrivilegeError" in complaint.told


async def test_commits_that_do_not_wait_for_the_disk_are_told(
    instance: Instance, administrator: asyncpg.Connection
) -> None:
    await administrator.execute("alter database ventros_crm set synchronous_commit = off")
    complaint = _only(await databases.examine(instance, ONLY), "FAIL")
    await administrator.execute("alter database ventros_crm reset synchronous_commit")
    assert complaint.told == "synchronous_commit is off, not on"


async def test_what_waits_for_the_broker_and_what_waits_for_a_person_is_counted(
    instance: Instance, administrator: asyncpg.Connection
) -> None:
    await administrator.execute(
        "insert into contact.outbox_pending values (1, $1, 'x.0', 1, now() - interval '2 minutes')", new_id()
    )
    await administrator.execute(
        "insert into contact.parked_events (id, consumer, event_id, reason, error, event)"
        " values ($1, 'channel_message_received', $1, 'data', 'because', '')",
        new_id(),
    )
    outbox, parked = _complaints(await databases.examine(instance, ONLY))
    await administrator.execute("delete from contact.outbox_pending")
    await administrator.execute("delete from contact.parked_events")
    assert (outbox.grade, parked.grade) == ("FAIL", "warn")
    assert "contact: its oldest event has waited 120 s" in outbox.told
    assert "contact: 1 events are parked (1 of channel_message_received: data)" in parked.told


# ---- RabbitMQ


async def test_a_broker_that_works_gets_no_complaint(instance: Instance, channel: AbstractChannel) -> None:
    async with _consumed(channel, _queues(instance.partitions)):
        assert _complaints(await broker.examine(instance, ONLY)) == []


async def test_a_queue_that_nobody_consumes_is_told(instance: Instance) -> None:
    complaint = _only(await broker.examine(instance, ONLY, patience_s=0), "FAIL")
    assert complaint.told.startswith(f"contact: nobody consumes {len(_queues(instance.partitions))} queues (channel_")
    assert "logs SERVICE=contact" in complaint.repair


async def test_a_queue_that_was_deleted_is_told(instance: Instance, channel: AbstractChannel) -> None:
    gone, *rest = _queues(instance.partitions)
    await channel.queue_delete(gone)
    async with _consumed(channel, rest):
        complaint = _only(await broker.examine(instance, ONLY), "FAIL")
    await declare(channel, _topology_of_contact(), instance.partitions)
    assert complaint.told.startswith(f"contact: 1 queues are missing ({gone.split('.')[1]})")


async def test_a_dead_letter_that_stays_is_told(instance: Instance, channel: AbstractChannel) -> None:
    names = _queues(instance.partitions)
    letters = next(name for name in names if name.endswith(".dlq"))
    await channel.default_exchange.publish(aio_pika.Message(b"what killed its consumer"), letters)
    async with _consumed(channel, [name for name in names if name != letters]):
        found = _complaints(await broker.examine(instance, ONLY, patience_s=0))
    await (await channel.get_queue(letters)).purge()
    assert [one for one in found if one.grade == "warn" and f"{letters}: 1" in one.told]


async def test_a_password_that_the_broker_refuses_is_told(instance: Instance, channel: AbstractChannel) -> None:
    change = 'rabbit_auth_backend_internal:change_password(<<"contact">>, <<"{}">>, <<"doctor">>).'
    server, own = instance.rabbitmq(), instance.secrets["rabbitmq"]["users"]["contact"]
    await asyncio.to_thread(server.evaluate, change.format("another"))
    async with _consumed(channel, _queues(instance.partitions)):
        complaint = _only(await broker.examine(instance, ONLY), "FAIL")
    await asyncio.to_thread(server.evaluate, change.format(own))
    assert complaint.told == "contact: its password is refused"


async def test_a_broker_that_is_out_of_something_is_told_with_what(instance: Instance) -> None:
    alarm = "{{resource_limit, disk, node()}, []}"
    server = instance.rabbitmq()
    await asyncio.to_thread(server.evaluate, f"rabbit_alarm:set_alarm({alarm}).")
    complaint = _only(await broker.examine(instance, ONLY), "FAIL")
    await asyncio.to_thread(server.evaluate, "rabbit_alarm:clear_alarm({resource_limit, disk, node()}).")
    assert complaint.told == "takes no message within 5 s: alarm disk"
    assert "free disk space" in complaint.repair


# ---- Temporal


@pytest.fixture
def temporal(instance: Instance) -> Iterator[Instance]:
    if find(instance.environment) is None:
        pytest.skip("Temporal's program is missing on this machine: `make temporal` brings it, once")
    instance.start({"temporal"})
    yield instance
    instance.temporal().stop()


async def test_a_workflow_runs_and_missing_timekeepers_are_told(temporal: Instance) -> None:
    found = await workflows.examine(temporal)
    assert found[0].told.startswith("a workflow with a timer and an activity ran in")
    complaint = _only(found, "FAIL")
    assert "session-timekeeper-0 does not answer (not_found)" in complaint.told


async def test_a_stopped_temporal_is_told(temporal: Instance) -> None:
    await asyncio.to_thread(temporal.temporal().stop)
    complaint = _only(await workflows.examine(temporal), "FAIL")
    assert "sessions wait with ending" in complaint.told
    assert "`make down up INSTANCE=test-doctor`" in complaint.repair


async def test_a_machine_without_temporal_is_warned_and_nothing_fails(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    complaint = _only(await workflows.examine(Instance.open("test-none", tmp_path, environment)), "warn")
    assert "program is missing" in complaint.told


# ---- WAHA


@pytest.fixture
def simulator(instance: Instance, tmp_path: Path) -> Iterator[Instance]:
    program = next(one for one in programs(instance) if one.name == SIMULATOR)
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            program.command, env=dict(program.environment), cwd=tmp_path, stdout=log, stderr=log
        ) as running,
    ):
        assert until(lambda: answers_ready(program.ready_url or ""), 30)
        yield instance
        running.terminate()


async def test_waha_answers_and_a_wrong_key_is_told(simulator: Instance) -> None:
    assert _complaints(await waha.examine(simulator)) == []

    address = f"http://127.0.0.1:{simulator.ports['simulator']}"
    outside = {**simulator.environment, "WAHA_BASE_URL": address, "WAHA_API_KEY": "wrong"}
    stranger = Instance.open(simulator.name, simulator.root, outside)
    assert _only(await waha.examine(stranger), "FAIL").told == f"refuses our key at {address}"


async def test_a_waha_that_is_away_is_told(instance: Instance) -> None:
    assert "does not answer" in _only(await waha.examine(instance), "FAIL").told


# ---- files, machine, clocks


async def test_files_that_others_may_read_and_keys_that_do_not_fit_are_told(tmp_path: Path) -> None:
    instance = Instance.open("test-files", tmp_path, {})
    programs(instance)
    assert _complaints(await files.examine(instance)) == []

    secret = instance.folder / "instance.json"
    secret.chmod(0o644)
    complaint = _only(await files.examine(instance), "FAIL")
    assert "open to others (644)" in complaint.told
    assert complaint.repair == f"`chmod 600 {secret}`"
    secret.chmod(0o600)

    (instance.folder / "keys" / "internal_token_public_keys").write_text("another key")
    assert "is not what was made for this instance" in _only(await files.examine(instance), "FAIL").told


@pytest.mark.parametrize(("free", "grade"), [(400_000_000, "FAIL"), (1_500_000_000, "warn"), (50_000_000_000, "ok")])
def test_a_disk_is_told_before_it_is_full(tmp_path: Path, free: int, grade: str) -> None:
    assert machine.disk(tmp_path, free, 100_000_000_000).grade == grade


async def test_a_port_that_somebody_else_took_is_told_with_who_it_is(tmp_path: Path, free_base: int) -> None:
    instance = Instance.open("test-ports", tmp_path, {"VENTROS_PORT_BASE": str(free_base + 40)})
    with socket.create_server(("127.0.0.1", instance.ports["gateway"])):
        found = await machine.examine(instance)
    complaint = next(one for one in _complaints(found) if one.about == "ports")
    assert f"(pid {os.getpid()})" in complaint.told
    assert "GATEWAY_PORT" in complaint.repair


def test_a_process_of_ours_that_the_network_reaches_is_told(tmp_path: Path, free_base: int) -> None:
    instance = Instance.open("test-open", tmp_path, {"VENTROS_PORT_BASE": str(free_base + 40)})
    instance.records.mkdir()
    port = instance.ports["gateway"]
    script = f"import socket, time; s = socket.create_server(('0.0.0.0', {port})); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as listener:
        assert listener.stdout is not None
        listener.stdout.readline()
        process = Process.of(listener.pid)
        assert process is not None
        process.record(instance.records / "api-gateway.json")
        found = asyncio.run(machine.examine(instance))
        listener.kill()
    complaint = next(one for one in _complaints(found) if one.about == "ports")
    assert complaint.told == f"0.0.0.0:{port} can be reached from other machines"


def test_who_complains_of_the_same_is_named_in_one_line_and_who_repeats_it_in_none(instance: Instance) -> None:
    same = ("warn", "is degraded (rabbitmq: does not answer in time)")
    *others, gateway = SERVICES
    repeated = ("warn", "is degraded (rabbitmq: trouble at contact, session, messaging)")

    found = processes.together(instance, {**dict.fromkeys(others, same), gateway: repeated})
    alone = processes.together(instance, {gateway: repeated})

    assert [one.told for one in found] == [f"{', '.join(one.name for one in others)}: each {same[1]}"]
    assert [one.told for one in alone] == [f"{gateway.name} {repeated[1]}"]
    _complaints(found + alone)


def test_errors_that_a_ready_process_logs_are_counted(tmp_path: Path) -> None:
    instance = Instance.open("test-errors", tmp_path, {})
    instance.logs.mkdir()
    now, long_ago = datetime.now(UTC).isoformat(), "2026-01-01T00:00:00Z"
    told = [("error", "a send failed", now)] * 3 + [("info", "started", now), ("error", "a send failed", long_ago)]
    lines = [json.dumps({"level": level, "event": event, "timestamp": at}) for level, event, at in told]
    (instance.logs / "channel-gateway.log").write_text("\n".join(["Traceback, say", *lines]))

    complaint = _only(processes.errors(instance), "warn")

    assert complaint.told == "channel-gateway logged 3 errors in the last 10 minutes (3 × a send failed)"


def test_clocks_are_compared_within_what_asking_took() -> None:
    assert clocks.apart(100.0, 99.0, 101.0, 0.001) == 0.0
    assert clocks.apart(100.0, 100.9, 101.0, 1.0) == 0.0  # told in whole seconds
    assert clocks.apart(90.0, 100.0, 101.0, 0.0) == -10.0
    assert clocks.apart(141.0, 100.0, 101.0, 0.0) == 40.0
    assert clocks.judge({"database": 0.5, "waha": -1.0}).grade == "ok"
    assert clocks.judge({"database": -10.0}).grade == "warn"
    assert clocks.judge({"database": 0.0, "waha": 40.0}).told == "the waha's is 40 s ahead"
    assert clocks.judge({"waha": 40.0}).grade == "FAIL"


async def test_database_and_broker_tell_their_time(instance: Instance) -> None:
    away, agreed = await clocks.examine(instance)
    assert away.told == "the waha's could not be read"
    assert agreed.told == "database, broker and this process agree"


# ---- the whole


def test_of_a_stack_that_is_down_the_doctor_says_so_and_how_to_start_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--instance", "test-down", "--root", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "FAIL  stack         instance test-down does not run" in printed
    assert "`make up INSTANCE=test-down`" in printed
