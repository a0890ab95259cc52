"""The crash: a service is killed without warning while messages flow, and every message is counted afterwards."""

import asyncio
import secrets
import signal
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from local_stack.answering import answers_ready
from local_stack.demo_hearing import Heard
from local_stack.demo_steps import STORED
from local_stack.demo_whatsapp import WhatsApp
from local_stack.instances import Instance
from local_stack.process_table import programs
from local_stack.processes import Process
from local_stack.progress import CannotContinue, say

VICTIM = "messaging"
CUSTOMERS, EACH, PER_SECOND = 20, 15, 25.0
TOTAL = CUSTOMERS * EACH
WITHIN_S = 180.0


@dataclass
class Crash:
    """What was sent, who was killed, and what of it is stored. The messages of this load end in `#<seed>-<who>-<number>`."""

    seed: int
    written: int = 0
    stored: int = 0
    doubled: int = 0
    pid: int = 0
    away_s: float = 0.0

    def count(self, heard: Heard) -> int:
        """Count the messages that were stored so far, and those that were stored more than once; return the former."""
        texts = (str(event.data["content"].get("text") or "") for event in heard.of(STORED))
        marks = Counter(mark for text in texts if (mark := text.rpartition(" ")[2]).startswith(f"#{self.seed}-"))
        self.stored, self.doubled = len(marks), marks.total() - len(marks)
        return self.stored

    def too_few(self, wanted: int) -> str:
        """Return what to say where the count is not right."""
        return (
            f"{self.stored} of {wanted} messages were stored within {WITHIN_S:.0f} s, {self.doubled} more than once: "
            "`make doctor` looks for the cause."
        )

    def facts(self) -> dict[str, Any]:
        """Return all of it."""
        return {"victim": VICTIM, **vars(self)}


async def play(instance: Instance, whatsapp: WhatsApp, heard: Heard) -> Crash:
    """Let 300 messages come in, kill the service that stores them in the middle, and count what is stored in the end."""
    crash = Crash(secrets.randbelow(9_000_000) + 1_000_000)
    say(f"· {CUSTOMERS} customers write {TOTAL} messages, {PER_SECOND:.0f} a second; in the middle {VICTIM} is killed")
    load = await asyncio.to_thread(whatsapp.many_write, CUSTOMERS, EACH, PER_SECOND, crash.seed)
    if not await heard.until(lambda: crash.count(heard) >= TOTAL // 3, WITHIN_S):
        raise CannotContinue(crash.too_few(TOTAL // 3))
    crash.pid, crash.away_s = await asyncio.to_thread(_kill, instance)
    await heard.until(lambda: crash.count(heard) == TOTAL, WITHIN_S)
    crash.written = await asyncio.to_thread(whatsapp.written, load)
    if (crash.written, crash.stored, crash.doubled) != (TOTAL, TOTAL, 0):
        raise CannotContinue(crash.too_few(TOTAL))
    return crash


def _kill(instance: Instance) -> tuple[int, float]:
    """Kill -9; return who it was and for how long nobody was ready in its place."""
    victim = next(program for program in programs(instance) if program.name == VICTIM)
    process = Process.recorded(instance.records / f"{VICTIM}.json")
    if process is None:
        raise CannotContinue(f"{VICTIM} does not run: see `make status`.")
    process.signal(signal.SIGKILL)
    killed = time.monotonic()
    process.wait_until_gone(10)
    say(f"  {VICTIM} (pid {process.pid}) was killed with SIGKILL")
    while not answers_ready(victim.ready_url or ""):
        if Process.recorded(instance.records / "supervisor.json") is None:
            raise CannotContinue("The stack was stopped meanwhile, so nobody comes back: repeat `make demo`.")
        if time.monotonic() - killed > WITHIN_S:
            raise CannotContinue(
                f"{VICTIM} did not come back within {WITHIN_S:.0f} s: see `make logs SERVICE={VICTIM}`."
            )
        time.sleep(0.1)
    away = time.monotonic() - killed
    say(f"  it was back after {away:.1f} s; meanwhile webhooks were answered and events waited")
    return process.pid, away
