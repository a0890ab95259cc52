"""The inbound line under load: tenants whose customers are known, and steps at a fixed rate of messages with all that they cost."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counters import Counted, counted, events_per_message, lag_s, rows_per_transaction
from load import Plan, Posted
from mix import ASKS, MESSAGES, Door
from processes import machine_cpu
from sink import heard_in
from stand import Stand, Tenant
from verdict import MOST_LAG_S, Outcome

HERE = Path(__file__).resolve().parent
TENANTS, RULED_EVERY = 10, 10
HEARD_WITHIN_S = 120.0
"""After the load: what an overload left behind is waited for, so that the next step begins with nothing."""


@dataclass(frozen=True)
class Step:
    """One step: what became of the messages, what the generator saw, and what it cost."""

    connections: int
    outcome: Outcome
    posted: Posted
    doubled: int
    drained_s: float
    cpu_s: dict[str, float]
    machine_cpu_s: float
    memory_mb: dict[str, float]
    before: Counted
    after: Counted

    def figures(self) -> dict[str, Any]:
        """Return it by the names of the table."""
        heard = max(len(self.outcome.latencies), 1)
        return {
            "per_s": round(self.outcome.per_s, 1),
            **self.outcome.latency,
            "answer": self.posted.answer,
            "answers": self.posted.answers,
            "messages": len(self.outcome.due),
            "missing": self.outcome.missing,
            "doubled": self.doubled,
            "backlog_max": max(self.outcome.backlog, default=0),
            "backlog_end": self.outcome.backlog[-1] if self.outcome.backlog else 0,
            "drained_s": round(self.drained_s, 2),
            "waited_for_connection_max": max(self.posted.waiting, default=0),
            "generator_late_ms": self.posted.late_ms,
            "webhook_bytes": self.posted.bytes_each,
            "events_per_message": events_per_message(self.before, self.after),
            "rows_per_transaction": rows_per_transaction(self.before, self.after),
            "cpu_s_per_1000": {name: round(1000 * used / heard, 4) for name, used in sorted(self.cpu_s.items())},
            "cpu_s_per_1000_all": round(1000 * sum(self.cpu_s.values()) / heard, 4),
            # What the kernel does for nobody in particular, who prepares the load, and whoever else was on the machine.
            "cpu_s_per_1000_others": round(1000 * max(0.0, self.machine_cpu_s - sum(self.cpu_s.values())) / heard, 4),
            "memory_mb": {name: round(held, 1) for name, held in sorted(self.memory_mb.items())},
            "why_not": self.outcome.why_not(),
        }


class Line:
    """Ten tenants, one of them with rules, and their 20,000 customers."""

    def __init__(self, stand: Stand) -> None:
        """Make the tenants on a stack that runs."""
        self._stand = stand
        self._runs = 0
        self.tenants: list[Tenant] = stand.tenants(TENANTS, allow_groups=True)
        self.rules = [(tenant, _rule(stand, tenant, ask)) for tenant in self.tenants[::RULED_EVERY] for ask in ASKS]
        self._met = self._new_run()

    def meet(self, connections: int) -> None:
        """Let each customer write once, as fast as it goes: who is who, caches, plans and connections."""
        self._post(self._plan(self._met, connections))
        self._stand.wait_until_drained(180)

    def all_write(self, connections: int) -> Posted:
        """Let each customer write once more, as fast as it goes; return before anything but the door has seen it."""
        return self._post(self._plan(self._new_run(), connections))

    def step(self, per_s: float, seconds: float, connections: int) -> Step:
        """Let so many messages a second arrive, and other webhooks among them; wait until all is heard."""
        run = self._new_run()
        rate = per_s / sum(MESSAGES.values())
        plan = self._plan(run, connections, rate=rate, seconds=seconds)
        instance = self._stand.instance
        with tempfile.TemporaryDirectory() as folder, _sink(instance.rabbitmq_url, run, Path(folder)) as sink:
            before, used, machine = counted(self._stand.address), self._stand.cpu(), machine_cpu()
            posted = self._post(plan)
            memory, lag = self._stand.memory(), lag_s(counted(self._stand.address))
            drained_s = self._stand.wait_until_drained(HEARD_WITHIN_S)
            machine = machine_cpu() - machine
            after, used_then = counted(self._stand.address), self._stand.cpu()
            sink_cpu_s = _stopped(sink)
            numbers, times = heard_in(Path(folder) / "heard")
            self._wait_for_consumers(lag)
        cpu = {name: value - used.get(name, 0.0) for name, value in used_then.items()}
        cpu |= {"generator": posted.cpu_s, "sink": sink_cpu_s}
        outcome, doubled = _outcome(per_s, rate, posted, numbers, times, lag)
        return Step(connections, outcome, posted, doubled, drained_s, cpu, machine, memory, before, after)

    def _wait_for_consumers(self, lag: float) -> None:
        """Let those who were behind catch up: an overload must not cost the next step anything."""
        deadline = time.monotonic() + HEARD_WITHIN_S
        while lag > MOST_LAG_S and time.monotonic() < deadline:
            time.sleep(1)
            lag = lag_s(counted(self._stand.address))

    def rules_on(self) -> bool:
        """Tell whether the rules are still enabled: one that ran too often is switched off, and would cost nothing any more."""
        return all(
            self._stand.ask(tenant, "GET", f"/automation/rules/{rule}").json()["enabled"] for tenant, rule in self.rules
        )

    def _new_run(self) -> str:
        self._runs += 1
        return f"{self._runs:03X}{os.urandom(3).hex()[:5].upper()}"

    def _plan(self, run: str, connections: int, rate: float | None = None, seconds: float | None = None) -> Plan:
        return Plan(
            port=self._stand.instance.ports["channel_gateway"],
            doors=[Door(tenant.door, tenant.webhook_secret, tenant.session) for tenant in self.tenants],
            files=f"{self._stand.address('simulator')}/api/files",
            run=run,
            met=self._met,
            connections=connections,
            seed=self._runs,
            rate=rate,
            seconds=seconds,
        )

    @staticmethod
    def _post(plan: Plan) -> Posted:
        done = subprocess.run(
            [sys.executable, str(HERE / "load.py")],
            input=plan.as_json(),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=(plan.seconds or 300) + 120,
        )
        return Posted(**json.loads(done.stdout))


def _rule(stand: Stand, tenant: Tenant, ask: str) -> str:
    """Write down the rule that marks whoever asks this. Two, since one alone would run too often in a minute and be switched off."""
    return stand.rule(
        tenant,
        name=f"Asks about {ask}",
        expression=f'message.content_type == "text" && message.text.contains("{ask}")',
        actions=[{"action": "add_tag", "parameters": {"tag": f"Asked about {ask}"}}],
        max_per_contact={"count": 10_000, "hours": 1},
    )


@contextmanager
def _sink(url: str, run: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(HERE / "sink.py"), url, run, str(folder / "heard")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sink:
        try:
            assert sink.stdout is not None
            if sink.stdout.readline().strip() != "listening":
                raise SystemExit("the subscriber does not listen")
            yield sink
        finally:
            sink.kill()


def _stopped(sink: subprocess.Popen[str]) -> float:
    """Let the subscriber write down what it heard; return the CPU seconds that hearing took."""
    sink.send_signal(signal.SIGTERM)
    told, _ = sink.communicate(timeout=30)
    return float(json.loads(told)["cpu_s"])


def _outcome(
    per_s: float, rate: float, posted: Posted, numbers: "array[int]", times: "array[float]", lag: float
) -> tuple[Outcome, int]:
    """Join what was due with what was heard; return it, and how many were heard more than once."""
    silent = set(posted.silent)
    first: dict[int, float] = {}
    for number, at in zip(numbers, times, strict=True):
        if at < first.get(number, at + 1):
            first[number] = at
    due = [posted.t0 + number / rate for number in range(posted.count) if number not in silent]
    return (
        Outcome(
            per_s=per_s,
            due=due,
            heard=sorted(first.values()),
            latencies=[at - posted.t0 - number / rate for number, at in first.items()],
            begins=posted.t0,
            ends=posted.t0 + posted.count / rate,
            lag_s=lag,
            refused=posted.count - posted.answers.get("200", 0),
        ),
        len(numbers) - len(first),
    )
