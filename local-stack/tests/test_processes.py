import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from local_stack.processes import Process, detach, until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as child:
        yield child
        child.kill()


def test_a_recorded_process_is_found_again(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    process = Process.of(sleeper.pid)
    assert process is not None
    process.record(tmp_path / "sleep.json")
    assert Process.recorded(tmp_path / "sleep.json") == process


def test_a_number_given_to_another_process_is_not_signalled(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    now = Process.of(sleeper.pid)
    assert now is not None
    for earlier in (replace(now, started=now.started - 1), replace(now, boot="the boot before")):
        assert not earlier.alive()
        earlier.signal(signal.SIGKILL)
        earlier.stop(grace_seconds=0.1)
        earlier.record(tmp_path / "old.json")
        assert Process.recorded(tmp_path / "old.json") is None
    assert sleeper.poll() is None


def test_a_zombie_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    process = Process.of(sleeper.pid)
    assert process is not None
    os.kill(sleeper.pid, signal.SIGKILL)
    assert until(lambda: not process.alive(), 5)
    assert Path(f"/proc/{sleeper.pid}").exists()  # nobody has waited for it yet


def test_who_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    stubborn = detach(
        ["/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"],
        environment={"PATH": os.defpath},
        cwd=tmp_path,
        log=tmp_path / "log",
    )
    assert until(lambda: "deaf" in (tmp_path / "log").read_text(), 5)
    stubborn.stop(grace_seconds=0.3)
    assert not stubborn.alive()


def test_a_cut_off_record_names_nobody(tmp_path: Path) -> None:
    record = tmp_path / "cut.json"
    record.write_text('{"pid": 1, "star')
    assert Process.recorded(record) is None
