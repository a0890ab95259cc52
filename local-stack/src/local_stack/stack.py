"""The whole stack of an instance: up, down, reset, and what it says about itself."""

import shutil
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_stack.answering import answers_ready
from local_stack.files import last_lines, read_json
from local_stack.instances import Instance
from local_stack.ports import check_free
from local_stack.preparing import prepare
from local_stack.process_table import Program, programs, url
from local_stack.processes import Process, detach
from local_stack.progress import CannotContinue, say, step
from local_stack.temporal_standing import settle, standing

_READY_SECONDS = 240.0  # it takes 25 s; on a machine whose cores are taken, ten times as long
_SUPERVISOR_STOP_SECONDS = 40.0
_HOPELESS_RESTARTS = 5  # by then it has died at once, after 0.5, 1, 2 and 4 s
_SERVERS = ("postgres", "rabbitmq", "epmd", "temporal", "redis")


def up(instance: Instance) -> None:
    """Start what does not run and wait until every process is ready."""
    with instance.locked():
        running = _supervisor(instance)
        if running is None:
            started = time.monotonic()
            _stop_leftovers(instance)
            instance.settle_ports()
            table = programs(instance)
            for program in table:
                for name, port in program.ports.items():
                    check_free(instance.name, name, port)
            prepare(instance)
            _launch(instance)
        else:
            table = programs(instance)
    if running is None:
        with step(f"starting the processes of instance {instance.name}"):
            _wait_until_ready(instance, table)
            temporal = settle(instance)
        say(f"Instance {instance.name} is up after {time.monotonic() - started:.0f} s: {url(instance, 'gateway')}")
    else:
        _wait_until_ready(instance, table)
        temporal = settle(instance)
        say(f"Instance {instance.name} is already running: {url(instance, 'gateway')}")
    if temporal.state in ("coming", "missing", "starting"):
        say(f"· {temporal.words}")


def down(instance: Instance) -> None:
    """Stop everything; the data stays."""
    with instance.locked(), step(f"stopping instance {instance.name}"):
        _stop_all(instance)


def reset(instance: Instance) -> None:
    """Stop everything and remove the instance's folder, secrets included."""
    with instance.locked(), step(f"stopping instance {instance.name} and removing {instance.folder}"):
        _stop_all(instance)
        shutil.rmtree(instance.folder, ignore_errors=True)
        kept = instance.folder.with_name(f"{instance.name}.json")
        # What a demo left of itself. The figures of `make bench` have the name of its instance too, and stay.
        if "gateway_url" in (read_json(kept) or {}):
            kept.unlink()


def status(instance: Instance) -> bool:
    """Print a line per process; True when everything runs and is ready."""
    supervisor = _supervisor(instance)
    told = {row["name"]: row for row in (read_json(instance.folder / "state.json") or [])} if supervisor else {}
    rows = [_row("supervisor", supervisor, None, supervisor is not None, {})]
    postgres, rabbitmq = instance.postgres(), instance.rabbitmq()
    rows.append(_row("postgres", postgres.process(), postgres.port, postgres.ready(), told))
    if instance.external_rabbitmq_url:
        rows.append(f"{'rabbitmq':<21}external")
    else:
        rows.append(_row("rabbitmq", rabbitmq.process(), rabbitmq.port, rabbitmq.ready(), told))
    temporal = standing(instance)
    if temporal.state in ("ready", "starting"):
        server = instance.temporal()
        rows.append(_row("temporal", server.process(), server.port, temporal.state == "ready", told))
    else:
        rows.append(f"{'temporal':<21}{temporal.state}")
    all_ready = (
        temporal.state != "starting" and postgres.ready() and (bool(instance.external_rabbitmq_url) or rabbitmq.ready())
    )
    for program in programs(instance):
        process = Process.recorded(instance.records / f"{program.name}.json")
        ready = process is not None and (program.ready_url is None or answers_ready(program.ready_url))
        all_ready = all_ready and ready
        rows.append(_row(program.name, process, next(iter(program.ports.values()), None), ready, told))
    say(f"{'PROCESS':<21}{'STATE':<12}{'PID':>8}{'PORT':>8}{'RESTARTS':>10}  SINCE")
    for row in rows:
        say(row)
    return supervisor is not None and all_ready


def _row(
    name: str, process: Process | None, port: int | None, ready: bool, told: Mapping[str, Mapping[str, Any]]
) -> str:
    state = "down" if process is None else "ready" if ready else "not ready"
    since = told.get(name, {}).get("started_at") or "" if process else ""
    age = f"{since[:19]}Z ({_age(since)})" if since else ""
    restarts = told.get(name, {}).get("restarts", "")
    return f"{name:<21}{state:<12}{process.pid if process else '':>8}{port or '':>8}{restarts:>10}  {age}".rstrip()


def _age(since: str) -> str:
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    return (
        f"{seconds // 3600} h {seconds % 3600 // 60} min"
        if seconds >= 3600
        else f"{seconds // 60} min {seconds % 60} s"
    )


def _supervisor(instance: Instance) -> Process | None:
    return Process.recorded(instance.records / "supervisor.json")


def _launch(instance: Instance) -> None:
    (instance.folder / "state.json").unlink(missing_ok=True)
    shutil.rmtree(instance.folder / "held-back", ignore_errors=True)
    command = [sys.executable, "-m", "local_stack", "supervise", "--instance", instance.name]
    supervisor = detach(
        [*command, "--root", str(instance.root)],
        environment=instance.environment,
        cwd=instance.root,
        log=instance.logs / "supervisor.log",
    )
    supervisor.record(instance.records / "supervisor.json")


def _stop_all(instance: Instance) -> None:
    if supervisor := _supervisor(instance):
        supervisor.stop(_SUPERVISOR_STOP_SECONDS)
    (instance.records / "supervisor.json").unlink(missing_ok=True)
    _stop_leftovers(instance)
    instance.stop_unlocked()
    (instance.folder / "state.json").unlink(missing_ok=True)


def _stop_leftovers(instance: Instance) -> None:
    """Processes of a supervisor that was killed: asked by the kernel to stop already, made sure of here."""
    for record in sorted(instance.records.glob("*.json")):
        if record.stem not in (*_SERVERS, "supervisor"):
            if process := Process.recorded(record):
                process.stop(grace_seconds=10)
            record.unlink(missing_ok=True)


def _wait_until_ready(instance: Instance, table: list[Program]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    before = _restarts(instance)
    waiting = [program for program in table if program.ready_url]
    while True:
        waiting = [program for program in waiting if program.ready_url and not answers_ready(program.ready_url)]
        if not waiting:
            return
        if _supervisor(instance) is None:
            log = last_lines(instance.logs / "supervisor.log")
            raise CannotContinue(f"The supervisor of instance {instance.name} ended; its log ends:\n{log}")
        now = _restarts(instance)
        hopeless = [one for one in waiting if now.get(one.name, 0) - before.get(one.name, 0) >= _HOPELESS_RESTARTS]
        if hopeless or time.monotonic() > deadline:
            raise CannotContinue("\n".join(_not_ready(instance, program) for program in hopeless or waiting))
        time.sleep(0.1)


def _restarts(instance: Instance) -> dict[str, int]:
    return {row["name"]: row["restarts"] for row in read_json(instance.folder / "state.json") or []}


def _not_ready(instance: Instance, program: Program) -> str:
    log = instance.logs / f"{program.name}.log"
    return f"{program.name} does not become ready; its log {log} ends:\n{last_lines(log)}"
