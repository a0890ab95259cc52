"""The one process per instance that keeps all others alive."""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from local_stack.answering import answers_ready
from local_stack.files import make_folder, write_private_json
from local_stack.instances import Instance
from local_stack.keeping import Child, KeptServer, Server
from local_stack.process_table import Program

_TICK_SECONDS = 0.1
_STOP_SECONDS = 27.0  # a service has 25 s to end what it holds
_LOG_BYTES = 10_000_000
_ROTATE_EVERY_SECONDS = 10.0


class Supervisor:
    """Runs until it is told to stop; then it stops the programs and leaves the servers to whoever stopped it."""

    def __init__(
        self,
        folder: Path,
        programs: Sequence[Program],
        servers: dict[str, Server] | None = None,
        start_server: Callable[[Server], None] = lambda server: server.start(),
    ) -> None:
        self._folder = folder
        self._logs = make_folder(folder / "logs", 0o700)
        records = make_folder(folder / "run", 0o700)
        self._children = [
            Child(one, folder, self._logs / f"{one.name}.log", records / f"{one.name}.json") for one in programs
        ]
        self._servers = [KeptServer(name, server, folder) for name, server in (servers or {}).items()]
        self._start_server = start_server
        self._stopping = threading.Event()
        self._told: Any = None

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        """Keep everything alive; children belong to this thread, whose death the kernel would tell them."""
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGINT, lambda *_: self.stop())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.keep_alive()

    def keep_alive(self) -> None:
        asking = threading.Thread(target=self._ask_readiness, name="readiness", daemon=True)
        asking.start()
        rotate_at = 0.0
        with ThreadPoolExecutor(max(1, len(self._servers)), thread_name_prefix="servers") as workers:
            while not self._stopping.wait(_TICK_SECONDS):
                for server in self._servers:
                    server.keep(workers, self._start_server)
                for child in self._children:
                    child.keep()
                if time.monotonic() >= rotate_at:
                    rotate_at = time.monotonic() + _ROTATE_EVERY_SECONDS
                    rotate(self._logs)
                self._tell()
            self._stop_children()
        asking.join()
        self._tell()

    def _stop_children(self) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.stop_within(deadline - time.monotonic())
            child.ready = False

    def _ask_readiness(self) -> None:
        """In a thread of its own: a process that hangs must not keep another one from being restarted."""
        ask_at: dict[str, float] = {}
        while not self._stopping.wait(0.25):
            for child in self._children:
                if child.pid is None or time.monotonic() < ask_at.get(child.name, 0.0):
                    continue
                child.ready = child.program.ready_url is None or answers_ready(child.program.ready_url)
                ask_at[child.name] = time.monotonic() + (5.0 if child.ready else 0.5)

    def _tell(self) -> None:
        """Write state.json when it changed: name, pid, start, restarts and readiness of everything."""
        kept: list[Child | KeptServer] = [*self._servers, *self._children]
        state = [
            {
                "name": one.name,
                "pid": one.pid,
                "started_at": one.started_at,
                "restarts": one.backoff.restarts,
                "ready": one.ready and one.pid is not None,
            }
            for one in kept
        ]
        if state != self._told:
            write_private_json(self._folder / "state.json", state)
            self._told = state


def rotate(logs: Path, most: int = _LOG_BYTES) -> None:
    """Copy a log that has grown big to `<name>.log.1` and empty it; its writers append, so they go on undisturbed."""
    for log in logs.glob("*.log"):
        if log.stat().st_size > most:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            log.with_name(f"{log.name}.1").chmod(0o600)
            with log.open("r+b") as file:
                file.truncate(0)


def servers_of(instance: Instance) -> dict[str, Server]:
    """The servers of an instance that are ours to keep."""
    servers: dict[str, Server] = {"postgres": instance.postgres()}
    if not instance.external_rabbitmq_url:
        rabbitmq = instance.rabbitmq()
        servers |= {"epmd": rabbitmq.epmd, "rabbitmq": rabbitmq}
    if not instance.external_temporal_host:
        servers["temporal"] = instance.temporal()
    return servers


def start_locked(instance: Instance, server: Server) -> None:
    """Start a server again, unless somebody else starts or stops things of this instance just now."""
    with instance.locked(seconds=1.0):
        server.start()
