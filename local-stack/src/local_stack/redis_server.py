"""One Redis of one instance, for whoever shares rate limits: nothing in it has to last, so nothing is written to disk."""

import os
import shutil
import socket
from pathlib import Path

from local_stack.files import last_lines, make_folder
from local_stack.ports import check_free
from local_stack.processes import Process, detach, until
from local_stack.progress import CannotContinue
from local_stack.system_package import install, one_at_a_time

_START_SECONDS = 15.0
_STOP_SECONDS = 10.0


class RedisServer:
    """Debian's redis-server, on loopback only. Started by tests alone: the stack works without one."""

    def __init__(self, instance: str, folder: Path, port: int, record: Path, log: Path) -> None:
        self.instance = instance
        self.folder = folder
        self.port = port
        self.log = log
        self._record = record

    @property
    def url(self) -> str:
        """For REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def process(self) -> Process | None:
        """The running server, if any."""
        return Process.recorded(self._record)

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def start(self) -> None:
        """Start it unless it runs, and wait until it answers."""
        process = self.process()
        if process is None:
            check_free(self.instance, "redis", self.port)
            make_folder(self.folder, 0o700)
            process = detach(
                [_program(), *self._arguments()],
                environment={"PATH": os.defpath, "TZ": "UTC"},
                cwd=self.folder,
                log=self.log,
            )
            process.record(self._record)
        started = process
        if not until(lambda: self.ready() or not started.alive(), _START_SECONDS, every=0.05) or not started.alive():
            self.stop()
            raise CannotContinue(
                f"Redis of instance {self.instance} did not start; its log ends:\n{last_lines(self.log)}"
            )

    def stop(self) -> None:
        """Stop it; what it counted is gone."""
        if process := self.process():
            process.stop(_STOP_SECONDS)
        self._record.unlink(missing_ok=True)

    def _arguments(self) -> list[str]:
        return [
            *("--bind", "127.0.0.1", "--port", str(self.port), "--protected-mode", "yes"),
            *("--save", "", "--appendonly", "no", "--dir", str(self.folder)),
            *("--maxmemory", "64mb", "--maxmemory-policy", "volatile-ttl"),
        ]


def _program() -> str:
    with one_at_a_time():
        if _find() is None:
            install("redis-server", "about 5 MB", "test without Redis")
    found = _find()
    if found is None:
        raise CannotContinue("The package redis-server is installed but its program was not found.")
    return found


def _find() -> str | None:
    return shutil.which("redis-server", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")
