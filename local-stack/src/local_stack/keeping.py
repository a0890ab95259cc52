"""Keeping one process alive: started, watched, started again after a pause that grows while it keeps dying."""

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from local_stack.process_table import Program
from local_stack.processes import Process
from local_stack.progress import NotYet, say

_HEALTHY_AFTER_SECONDS = 30.0
_ASK_AGAIN_SECONDS = 1.0


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def held_back(folder: Path, name: str) -> Path:
    """The file that keeps what has ended from being started again: whoever makes and removes it decides how long it stays away."""
    return folder / "held-back" / name


def pause_before(restart: int) -> float:
    """Seconds before the n-th restart in a row, from 1: at once, then 0.5, 1, 2, 4, 5, 5…"""
    return 0.0 if restart <= 1 else min(0.5 * 2.0 ** (restart - 2), 5.0)


class Server(Protocol):
    """Postgres, RabbitMQ, Temporal: started apart from us, so that it outlives us, and found again by its record."""

    def process(self) -> Process | None: ...

    def start(self) -> None: ...


class Backoff:
    def __init__(self) -> None:
        self.restarts = 0
        self._in_a_row = 0
        self._not_before = 0.0
        self._started = 0.0

    def due(self) -> bool:
        return time.monotonic() >= self._not_before

    def started(self) -> None:
        self._started = time.monotonic()

    def wait(self, seconds: float) -> None:
        """Try again then; nothing has died."""
        self._not_before = time.monotonic() + seconds

    def died(self) -> None:
        if time.monotonic() - self._started >= _HEALTHY_AFTER_SECONDS:
            self._in_a_row = 0
        self.restarts += 1
        self._in_a_row += 1
        self._not_before = time.monotonic() + pause_before(self._in_a_row)


class Child:
    """One program, run as our child; it gets a SIGTERM from the kernel when we die without stopping it."""

    def __init__(self, program: Program, folder: Path, log: Path, record: Path) -> None:
        self.program = program
        self._held = held_back(folder, program.name)
        self.backoff = Backoff()
        self.ready = False
        self.started_at: str | None = None
        self._over = False
        self._folder, self._log, self._record = folder, log, record
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int | None:
        return self._running.pid if self._running else None

    def keep(self) -> None:
        """Start it, unless it runs, has to wait after a death, or is a job that has ended."""
        if self._over:
            return
        if self._running is not None:
            code = self._running.poll()
            if code is None:
                return
            say(f"{now()} {self.name} (pid {self._running.pid}) ended with {code}")
            self._running, self.ready = None, False
            if self.program.once:
                self._over = True
                self._record.unlink(missing_ok=True)
                return
            self.backoff.died()
        if self.backoff.due() and not self._held.exists():
            self._start()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(  # noqa: S603 - the process table is ours
                ["setpriv", "--pdeathsig", "TERM", *self.program.command],  # noqa: S607
                env=dict(self.program.environment),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._log.chmod(0o600)
        self.backoff.started()
        self.started_at = now()
        if process := Process.of(self._running.pid):
            process.record(self._record)
        say(f"{self.started_at} {self.name} started (pid {self._running.pid})")

    def ask_to_stop(self) -> None:
        if self._running and self._running.poll() is None:
            self._running.terminate()

    def stop_within(self, seconds: float) -> None:
        if self._running:
            try:
                self._running.wait(max(0.0, seconds))
            except subprocess.TimeoutExpired:
                say(f"{now()} {self.name} did not stop in time and was killed")
                self._running.kill()
                self._running.wait()
        self._record.unlink(missing_ok=True)


class KeptServer:
    """One server; starting takes seconds, so it happens beside the loop."""

    def __init__(self, name: str, server: Server, folder: Path) -> None:
        self.name = name
        self.server = server
        self._held = held_back(folder, name)
        self.backoff = Backoff()
        self.ready = False
        self.started_at: str | None = None
        self.pid: int | None = None
        self._starting: Future[None] | None = None

    def keep(self, workers: ThreadPoolExecutor, start: Callable[[Server], None]) -> None:
        if self._starting is not None:
            if not self._starting.done():
                return
            failed = self._starting.exception()
            if failed and self.server.process() is None:  # else RabbitMQ has started its epmd itself, for example
                self._failed(failed)
            self._starting = None
        process = self.server.process()
        if process:
            if process.pid != self.pid:
                self.pid, self.ready, self.started_at = process.pid, True, now()
                self.backoff.started()
                say(f"{now()} {self.name} runs (pid {process.pid})")
            return
        if self.ready:
            say(f"{now()} {self.name} (pid {self.pid}) ended")
            self.pid, self.ready = None, False
            self.backoff.died()
        if self.backoff.due() and not self._held.exists():
            self._starting = workers.submit(start, self.server)

    def _failed(self, reason: BaseException) -> None:
        if isinstance(reason, NotYet):
            self.backoff.wait(_ASK_AGAIN_SECONDS)
        else:
            say(f"{now()} {self.name} could not be started: {reason}")
            self.backoff.died()
