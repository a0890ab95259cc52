import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from local_stack.keeping import held_back, pause_before
from local_stack.process_table import Program
from local_stack.processes import Process, until
from local_stack.supervisor import Supervisor, rotate

SLEEP = ("sleep", "60")
PATH_ONLY = {"PATH": os.environ["PATH"]}


def _state(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        return {row["name"]: row for row in json.loads((folder / "state.json").read_text())}
    except FileNotFoundError:
        return {}


def _pid(folder: Path, name: str) -> int | None:
    return _state(folder).get(name, {}).get("pid")


@contextmanager
def _supervised(folder: Path, *programs: Program) -> Iterator[None]:
    supervisor = Supervisor(folder, programs)
    thread = threading.Thread(target=supervisor.keep_alive)
    thread.start()
    try:
        assert until(lambda: all(_pid(folder, one.name) for one in programs), 10)
        yield
    finally:
        supervisor.stop()
        thread.join(30)
    assert not thread.is_alive()


def test_a_killed_process_is_started_again_and_its_neighbour_left_alone(tmp_path: Path) -> None:
    with _supervised(tmp_path, Program("one", SLEEP, PATH_ONLY), Program("two", SLEEP, PATH_ONLY)):
        one, two = _pid(tmp_path, "one"), _pid(tmp_path, "two")
        assert one and two
        os.kill(one, signal.SIGKILL)
        assert until(lambda: _pid(tmp_path, "one") not in (None, one), 5)
        assert _state(tmp_path)["one"]["restarts"] == 1
        assert _pid(tmp_path, "two") == two


def test_what_is_held_back_stays_away_until_it_is_let_go(tmp_path: Path) -> None:
    with _supervised(tmp_path, Program("one", SLEEP, PATH_ONLY)):
        one = _pid(tmp_path, "one")
        assert one
        held = held_back(tmp_path, "one")
        held.parent.mkdir()
        held.touch()
        os.kill(one, signal.SIGKILL)
        assert not until(lambda: _pid(tmp_path, "one") not in (None, one), 1.0)
        held.unlink()
        assert until(lambda: _pid(tmp_path, "one") not in (None, one), 5)


def test_what_keeps_dying_is_started_with_growing_pauses(tmp_path: Path) -> None:
    with _supervised(tmp_path, Program("dying", ("sh", "-c", "echo born; exit 3"), PATH_ONLY)):
        log = tmp_path / "logs" / "dying.log"
        assert until(lambda: log.read_text().count("born") >= 3, 10)
        assert not until(lambda: log.read_text().count("born") > 5, 1.5)
    assert [pause_before(restart) for restart in range(1, 8)] == [0.0, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_job_that_has_ended_is_not_started_again(tmp_path: Path) -> None:
    with _supervised(tmp_path, Program("job", ("sh", "-c", "sleep 0.3; echo done"), PATH_ONLY, once=True)):
        log = tmp_path / "logs" / "job.log"
        assert until(lambda: "done" in log.read_text(), 10)
        assert not until(lambda: log.read_text().count("done") > 1, 1.0)
        assert not (tmp_path / "run" / "job.json").exists()


def test_stopping_ends_every_process_and_forgets_its_record(tmp_path: Path) -> None:
    with _supervised(tmp_path, Program("one", SLEEP, PATH_ONLY)):
        process = Process.of(_pid(tmp_path, "one") or 0)
        assert process is not None
        assert Process.recorded(tmp_path / "run" / "one.json") == process
    assert not process.alive()
    assert not (tmp_path / "run" / "one.json").exists()


def test_ready_is_what_the_process_says_of_itself(tmp_path: Path, free_base: int) -> None:
    url = f"http://127.0.0.1:{free_base}/"
    server = (sys.executable, "-m", "http.server", str(free_base), "--bind", "127.0.0.1", "--directory", str(tmp_path))
    sleeper = Program("never", SLEEP, PATH_ONLY, ready_url=f"http://127.0.0.1:{free_base + 1}/")
    with _supervised(tmp_path, Program("soon", server, PATH_ONLY, ready_url=url), sleeper):
        assert until(lambda: bool(_state(tmp_path)["soon"]["ready"]), 15)
        assert _state(tmp_path)["never"]["ready"] is False


def test_processes_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from local_stack.process_table import Program;"
        "from local_stack.supervisor import Supervisor;"
        "Supervisor(Path(sys.argv[1]), [Program('one', ('sleep', '60'), {'PATH': sys.argv[2]})]).run()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), os.environ["PATH"]], stdout=subprocess.DEVNULL
    ) as supervisor:
        assert until(lambda: bool(_pid(tmp_path, "one")), 20)
        process = Process.of(_pid(tmp_path, "one") or 0)
        assert process is not None
        supervisor.kill()
    assert process.wait_until_gone(5)


def test_a_log_that_grew_big_is_kept_once_and_emptied(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 200)
        writer.flush()
        rotate(tmp_path, most=100)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "one.log.1").read_bytes() == b"x" * 200


@pytest.mark.parametrize("size", [0, 100])
def test_a_small_log_is_left_alone(tmp_path: Path, size: int) -> None:
    (tmp_path / "one.log").write_bytes(b"x" * size)
    rotate(tmp_path, most=100)
    assert [path.name for path in tmp_path.iterdir()] == ["one.log"]
