import asyncio
import ipaddress
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from aiormq.exceptions import ChannelAccessRefused, ProbableAuthenticationError
from local_stack.account import postgres_account
from local_stack.instances import Instance
from local_stack.postgres_server import binaries
from local_stack.preparing import migrate
from local_stack.process_table import SERVICES
from local_stack.processes import Process
from local_stack.progress import CannotContinue


def _server_pids(instance: Instance) -> dict[str, int]:
    servers = {"postgres": instance.postgres(), "rabbitmq": instance.rabbitmq(), "epmd": instance.rabbitmq().epmd}
    pids = {}
    for name, server in servers.items():
        process = server.process()
        assert process is not None, f"{name} does not run"
        pids[name] = process.pid
    return pids


def _kill(pid: int) -> None:
    process = Process.of(pid)
    assert process is not None
    process.signal(signal.SIGKILL)
    assert process.wait_until_gone(5)


def test_everything_listens_on_loopback_only(
    running: Instance, listening_addresses: Callable[[set[int]], dict[str, int]]
) -> None:
    listening = listening_addresses(set(_server_pids(running).values()))
    assert set(listening.values()) == {
        running.ports[name] for name in ("postgres", "rabbitmq", "rabbitmq_dist", "epmd")
    }
    assert all(ipaddress.ip_address(place.split()[0]).is_loopback for place in listening)


async def test_postgres_is_set_up_as_promised(running: Instance) -> None:
    connection = await asyncpg.connect(running.postgres_superuser_dsn)
    try:
        expected = {
            "fsync": "on",
            "synchronous_commit": "on",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "max_connections": "200",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "password_encryption": "scram-sha-256",
            "unix_socket_directories": "",
        }
        assert {name: await connection.fetchval("select current_setting($1)", name) for name in expected} == expected
        assert connection.get_server_version().major == 18
    finally:
        await connection.close()


async def test_a_wrong_password_is_refused(running: Instance) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(running.postgres_dsn("postgres", "wrong"))
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{running.ports['rabbitmq']}/")


async def test_the_broker_itself_refuses_a_service_what_is_not_its_own(running: Instance) -> None:
    async with await aio_pika.connect(running.rabbitmq_url_of("contact")) as connection:
        async with connection.channel() as channel:
            await channel.declare_queue("contact.tmp.1", exclusive=True)
        for foreign in ("contact.messages.0", "session.tmp.1"):
            async with connection.channel() as channel:
                with pytest.raises(ChannelAccessRefused):
                    await channel.declare_queue(foreign)


async def test_a_committed_row_survives_a_killed_postgres(running: Instance) -> None:
    connection = await asyncpg.connect(running.postgres_superuser_dsn)
    await connection.execute("create table kept (word text); insert into kept values ('here')")
    await connection.close()
    _kill(_server_pids(running)["postgres"])
    running.start({"postgres"})
    connection = await asyncpg.connect(running.postgres_superuser_dsn)
    assert await connection.fetchval("select word from kept") == "here"
    await connection.close()


def test_a_pid_file_whose_number_belongs_to_another_process_does_not_keep_postgres_down(running: Instance) -> None:
    _kill(_server_pids(running)["postgres"])
    pid_file = running.folder / "postgres" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    account = postgres_account(running.folder / "postgres", binaries().parent)
    # A process of the same user: Postgres itself takes it for another postmaster.
    with subprocess.Popen(account.command(["sleep", "60"])) as stranger:
        pid_file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
        running.start({"postgres"})
        assert stranger.poll() is None
        stranger.kill()
    assert running.postgres().ready()


async def test_a_confirmed_message_survives_a_killed_broker(running: Instance) -> None:
    arguments = {"x-queue-type": "quorum"}
    async with await aio_pika.connect(running.rabbitmq_url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, arguments=arguments)
        message = aio_pika.Message(b"here", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "kept")
    # The broker writes a new queue's name to disk only after 0.5 s (Ra's names.dets); a queue that loses its name by a
    # kill within that time stays without a leader for ever. Later kills are what is promised and tested here.
    await asyncio.sleep(1.5)
    before = _server_pids(running)
    _kill(before["rabbitmq"])
    _kill(before["epmd"])
    running.start({"rabbitmq"})
    async with await aio_pika.connect(running.rabbitmq_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("kept", durable=True, arguments=arguments)
        found = await queue.get(timeout=10)
        assert found is not None
        assert found.body == b"here"
        await found.ack()


def test_tables_that_cannot_be_made_stop_the_start_with_their_service(running: Instance) -> None:
    with pytest.raises(CannotContinue, match="The tables of identity could not be brought up to date"):
        migrate(running, SERVICES[0])  # its roles are not there


def test_several_processes_that_start_at_once_share_one_server(running: Instance) -> None:
    _kill(_server_pids(running)["postgres"])
    command = [sys.executable, "-m", "local_stack", "up", "--only", "postgres", "--instance", running.name]
    starts = [
        subprocess.Popen([*command, "--root", str(running.root)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(3)
    ]
    told = [start.communicate(timeout=60)[0].decode() for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], told
    assert running.postgres().ready()


def test_a_taken_port_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        instance = Instance.open("test-taken", tmp_path, {"TEST_TAKEN_POSTGRES_PORT": port})
        with pytest.raises(CannotContinue, match=f"Port {port}.*POSTGRES_PORT=<port>"):
            instance.start({"postgres"})
    assert not (instance.folder / "postgres").exists()
