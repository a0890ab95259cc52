"""One RabbitMQ node of one instance, with an epmd of its own, both on loopback only."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

from local_stack.epmd import Epmd
from local_stack.files import last_lines, make_folder, write_private, write_private_json
from local_stack.ports import check_free
from local_stack.processes import Process, detach, run, until
from local_stack.progress import CannotContinue, step
from local_stack.rabbitmq_definitions import definitions
from local_stack.rabbitmq_package import server_script

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_AMQP_GREETING = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = 1  # Connection.Start, the broker's first answer, comes in one

# Two schedulers that do not spin while they wait: a node beside six services on two cores stays nearly silent.
_ERLANG_ARGUMENTS = (
    "+S 2:2 +SDcpu 1:1 +SDio 4 +sbwt none +sbwtdcpu none +sbwtdio none -start_epmd false "
    "-kernel inet_dist_use_interface {127,0,0,1}"
)


class RabbitmqServer:
    def __init__(
        self,
        instance: str,
        folder: Path,
        ports: Mapping[str, int],
        passwords: Mapping[str, str],
        cookie: str,
        records: Path,
        logs: Path,
        *,
        for_tests: bool,
    ) -> None:
        self.instance = instance
        self.folder = folder
        self.port, self.dist_port = ports["rabbitmq"], ports["rabbitmq_dist"]
        self.epmd = Epmd(instance, ports["epmd"], records / "epmd.json", logs / "epmd.log")
        self.node = f"ventros-{instance}@localhost"
        self.log = logs / "rabbitmq.log"
        self._record = records / "rabbitmq.json"
        self._passwords = passwords
        self._cookie = cookie
        self._for_tests = for_tests

    def process(self) -> Process | None:
        return Process.recorded(self._record)

    def ready(self) -> bool:
        """Whether the broker greets back: far cheaper than rabbitmqctl, which starts an Erlang of its own."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(_AMQP_GREETING)
                answer = connection.recv(1)
        except OSError:
            return False
        return answer[:1] == bytes([_METHOD_FRAME])

    def start(self) -> None:
        """Start epmd and the node unless they run, and wait until the broker answers."""
        script = server_script()  # installs RabbitMQ and Erlang where they are missing
        self.epmd.start()
        process = self.process()
        if process and self._answers(process):
            return
        with step(f"starting RabbitMQ of instance {self.instance}"):
            check_free(self.instance, "rabbitmq", self.port)
            check_free(self.instance, "rabbitmq_dist", self.dist_port)
            self._configure()
            process = detach([str(script)], environment=self._environment(), cwd=self.folder, log=self.log)
            process.record(self._record)
            if not self._answers(process):
                raise CannotContinue(
                    f"RabbitMQ of instance {self.instance} did not start; its log ends:\n{last_lines(self.log)}"
                )

    def control(self, *arguments: str, seconds: float = 30) -> CompletedProcess[str]:
        """Run rabbitmqctl on this node; takes a second or two, since it starts an Erlang of its own."""
        command = [str(server_script().with_name("rabbitmqctl")), "-q", "-n", self.node, *arguments]
        # Its own node for the moment, on loopback like the other.
        own = "-kernel inet_dist_use_interface {127,0,0,1}"
        environment = self._environment() | {"RABBITMQ_CTL_ERL_ARGS": own}
        return run(command, environment=environment, cwd=self.folder, seconds=seconds)

    def evaluate(self, expression: str) -> str | None:
        """What the running node answers to an Erlang expression; None where it does not."""
        done = self.control("eval", expression)
        return None if done.returncode else done.stdout.strip()

    def alarms(self) -> str:
        """What the broker is out of, as it calls it (disk, memory); empty where it is out of nothing."""
        told = self.evaluate("[Resource || {{resource_limit, Resource, _}, _} <- rabbit_alarm:get_alarms()].") or "[]"
        return told.strip("[]")

    def _answers(self, process: Process) -> bool:
        """Wait until this node answers; False when it ended (found while dying, say) or is too late."""
        return until(lambda: self.ready() or not process.alive(), _START_SECONDS, every=0.1) and process.alive()

    def stop(self) -> None:
        if process := self.process():
            process.stop(_STOP_SECONDS)
        self.epmd.stop()
        self._record.unlink(missing_ok=True)

    def _configure(self) -> None:
        make_folder(self.folder, 0o700)
        for name in ("mnesia", "conf.d", "log"):
            make_folder(self.folder / name, 0o700)
        cookie = self.folder / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        write_private(cookie, self._cookie)
        cookie.chmod(0o400)
        write_private_json(self.folder / "definitions.json", definitions(self._passwords, for_tests=self._for_tests))
        write_private(self.folder / "enabled_plugins", "[].\n")
        write_private(self.folder / "advanced.config", "[].\n")
        write_private(self.folder / "rabbitmq-env.conf", "")
        write_private(
            self.folder / "rabbitmq.conf",
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "num_acceptors.tcp = 2\n"
            f"load_definitions = {self.folder / 'definitions.json'}\n"
            "disk_free_limit.absolute = 50MB\n"
            "vm_memory_high_watermark.absolute = 1GB\n"
            # The write-ahead log of quorum queues is kept in memory up to this size; 512 MB by default.
            "raft.wal_max_size_bytes = 64000000\n"
            "log.file = false\n"
            "log.console = true\n"
            "log.console.level = info\n"
            "log.connection.level = warning\n",
        )

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's environment: a stray RABBITMQ_* of a system broker would move this node."""
        folder = self.folder
        return {
            "PATH": f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{os.environ.get('PATH', '')}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(folder / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_SCHEDULER_BIND_TYPE": "u",  # nodes of several instances must not sit on the same core
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG_ARGUMENTS,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.epmd.port),
            # Lets the start script become the broker instead of watching it, so that the pid we record is the broker's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
