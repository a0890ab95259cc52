"""Processes known by number and birth, so that a number which the system has given away again is never signalled."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from local_stack.files import read_json, write_private_json
from local_stack.progress import CannotContinue

_START_TIME_FIELD = 22  # proc(5): clock ticks between boot and the start of the process
_STATE_FIELD = 3


@cache
def _this_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> tuple[str, int] | None:
    """State letter and start time of a process; None where there is none."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    after_name = line.rpartition(")")[2].split()
    return after_name[_STATE_FIELD - 3], int(after_name[_START_TIME_FIELD - 3])


def _has_threads(pid: int) -> bool:
    """Whether a killed process still has threads on their way out, which hold its ports until the last is gone."""
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass(frozen=True)
class Process:
    """One process, as it was when it was recorded."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        found = _stat(pid)
        if found is None or (found[0] in "ZX" and not _has_threads(pid)):
            return None
        return cls(pid, found[1], _this_boot())

    @classmethod
    def recorded(cls, record: Path) -> "Process | None":
        """The process of a record file, where it still is that one and alive."""
        found = cls.from_record(read_json(record))
        return found if found and found.alive() else None

    @classmethod
    def from_record(cls, content: Any) -> "Process | None":
        try:
            return cls(int(content["pid"]), int(content["started"]), str(content["boot"]))
        except (TypeError, KeyError, ValueError):
            return None

    def as_record(self) -> dict[str, Any]:
        return asdict(self)

    def record(self, path: Path) -> None:
        write_private_json(path, self.as_record())

    def alive(self) -> bool:
        """Whether this very process runs; a zombie and a later process of the same number do not count."""
        return self.boot == _this_boot() and Process.of(self.pid) == self

    def signal(self, number: int) -> None:
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def wait_until_gone(self, seconds: float) -> bool:
        return until(lambda: not self.alive(), seconds)

    def stop(self, grace_seconds: float) -> None:
        """Ask, wait, then insist."""
        self.signal(signal.SIGTERM)
        if not self.wait_until_gone(grace_seconds):
            self.signal(signal.SIGKILL)
            self.wait_until_gone(5)


def until(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Wait until the condition holds; False when it did not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def run(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, cwd: Path | None = None, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and hand back what it printed; a deadline that passes is a readable failure."""
    try:
        return subprocess.run(  # noqa: S603 - commands are built from our own constants and paths
            list(command),
            env=None if environment is None else dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as late:
        raise CannotContinue(f"`{Path(command[0]).name}` did not end within {seconds:.0f} s.") from late


def detach(command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: Path) -> Process:
    """Start a server that outlives us, in a session of its own, its output appended to `log`.

    A shell starts it in the background and ends at once, so the server is nobody's child here: no zombie of ours, and
    no warning about a child that is still running when a test run ends.
    """
    script = 'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!'
    log.touch(mode=0o600)
    started = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", script, "sh", str(log), *command],
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        check=True,
        timeout=10,
    )
    pid = int(started.stdout)
    return Process.of(pid) or Process(pid, -1, _this_boot())  # -1: gone already, hence never alive
