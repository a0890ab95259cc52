"""Erlang's port mapper of one instance: RabbitMQ's command line finds the node through it. It holds nothing itself."""

import os
import signal
from pathlib import Path

from local_stack.ports import check_free
from local_stack.processes import Process, detach
from local_stack.rabbitmq_package import epmd_program


class Epmd:
    def __init__(self, instance: str, port: int, record: Path, log: Path) -> None:
        self.instance = instance
        self.port = port
        self._record = record
        self._log = log

    def process(self) -> Process | None:
        return Process.recorded(self._record)

    def start(self) -> None:
        """Start it on loopback unless it runs; the default would be every address and a port for the whole machine."""
        if self.process():
            return
        check_free(self.instance, "epmd", self.port)
        command = [str(epmd_program()), "-address", "127.0.0.1", "-port", str(self.port)]
        environment = {"PATH": os.defpath, "ERL_EPMD_PORT": str(self.port)}
        detach(command, environment=environment, cwd=Path("/"), log=self._log).record(self._record)

    def stop(self) -> None:
        if process := self.process():
            process.signal(signal.SIGKILL)  # it ignores a polite signal while a node is registered
            process.wait_until_gone(5)
        self._record.unlink(missing_ok=True)
