"""Load: many customers write at a rate. Who writes what in which order follows from the seed alone, the rate only
spreads it.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from waha_simulator.draws import digits, message_id, random_of
from waha_simulator.payloads import Message, Person
from waha_simulator.payloads.happenings import Addressing
from waha_simulator.sessions import Session
from waha_simulator.simulator import Simulator

NAMES = ("Ana", "Bruno", "Carla", "Davi", "Élia", "Fábio", "Gabi", "Hugo", "Íris", "João", "Lívia", "Mário", "Zoë")
WORDS = ("olá", "preço", "entrega", "amanhã", "obrigado", "pedido", "não", "café", "ação", "já", "você", "😀", "ok")


@dataclass(frozen=True)
class Plan:
    """`customers` people write `messages` messages each to one of `sessions`; `lid_share` of their chats lie under a
    lid.
    """

    sessions: list[Session]
    customers: int
    messages: int
    per_second: float
    seed: int
    lid_share: float = 0.3

    @property
    def total(self) -> int:
        return self.customers * self.messages


@dataclass
class Running:
    plan: Plan
    number: int
    written: int = 0
    skipped: int = 0
    task: asyncio.Task[None] | None = None
    started: float = field(default_factory=time.monotonic)
    seconds: float | None = None


@dataclass(frozen=True)
class Writes:
    """One planned message: the session's place in the plan, who, in which chat, what."""

    session: int
    person: Person
    addressing: Addressing
    text: str


def planned(plan: Plan) -> list[Writes]:
    """Every message of the plan in its order. Each text names the customer and counts from 1: `#seed-customer-n`."""
    random = random_of("load", plan.seed)
    people = []
    for index in range(plan.customers):
        name = f"{random.choice(NAMES)} {random.choice(NAMES)}"
        phone = f"5521{digits(9, 'load', plan.seed, 'phone', index)}"
        person = Person(phone, digits(15, "load", plan.seed, "lid", index), name, random.choice((0, 0, 2)))
        addressing: Addressing = "lid" if random.random() < plan.lid_share else "phone"
        people.append((index % len(plan.sessions), person, addressing))
    order = [index for index in range(plan.customers) for _ in range(plan.messages)]
    random.shuffle(order)
    counts = [0] * plan.customers
    writes = []
    for index in order:
        counts[index] += 1
        session, person, addressing = people[index]
        words = " ".join(random.choice(WORDS) for _ in range(random.randint(1, 8)))
        writes.append(Writes(session, person, addressing, f"{words} #{plan.seed}-{index}-{counts[index]}"))
    return writes


class Loads:
    """The loads that run or ran since the simulator started; none goes on after a restart."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._loads: dict[str, Running] = {}

    def start(self, plan: Plan) -> dict[str, Any]:
        running = Running(plan, len(self._loads) + 1)
        self._loads[str(running.number)] = running
        running.task = asyncio.get_running_loop().create_task(self._run(running))
        return self._shown(running)

    def shown(self, number: str) -> dict[str, Any] | None:
        running = self._loads.get(number)
        return self._shown(running) if running else None

    async def stop(self) -> None:
        tasks = [running.task for running in self._loads.values() if running.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loads.clear()

    def _shown(self, running: Running) -> dict[str, Any]:
        return {
            "load": running.number,
            "total": running.plan.total,
            "written": running.written,
            "skipped": running.skipped,
            "done": running.seconds is not None,
            "seconds": round(running.seconds or time.monotonic() - running.started, 3),
        }

    async def _run(self, running: Running) -> None:
        plan = running.plan
        for index, writes in enumerate(planned(plan)):
            wait = running.started + index / plan.per_second - time.monotonic() if plan.per_second else 0.0
            await asyncio.sleep(max(wait, 0.0))
            self._write(running, index, writes)
        running.seconds = time.monotonic() - running.started

    def _write(self, running: Running, index: int, writes: Writes) -> None:
        """A session that is not WORKING just then gets nothing; the message counts as skipped."""
        session = running.plan.sessions[writes.session]
        if session.me is None:
            running.skipped += 1
            return
        person = self._simulator.people.meet(writes.person)
        message = Message(
            bare_id=message_id("3A", "load", running.plan.seed, running.number, session.name, index),
            chat=writes.person.chat(writes.addressing),
            at=datetime.now(UTC),
            text=writes.text,
            peer=person,
        )
        self._simulator.customer_writes(session, message)
        running.written += 1
