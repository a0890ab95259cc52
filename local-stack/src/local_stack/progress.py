"""What the stack tells the person in front of it: plain lines, elapsed seconds, one sentence when it cannot go on."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TICK_SECONDS = 3.0


class CannotContinue(Exception):  # noqa: N818 - read aloud it is a sentence, like its message
    """Something outside of our hands is missing; the message is one sentence that says what to do."""


class NotYet(CannotContinue):
    """What is missing is on its way: ask again soon."""


def say(text: str) -> None:
    """Print a line at once, also where output is piped."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def step(text: str, every: float = TICK_SECONDS) -> Iterator[None]:
    """Announce a step, tick every so many seconds while it takes longer and say how long it took in the end."""
    say(f"· {text}")
    started = time.monotonic()
    over = threading.Event()

    def tick() -> None:
        while not over.wait(every):
            say(f"  … still at it: {text} ({time.monotonic() - started:.0f} s)")

    ticker = threading.Thread(target=tick, name="progress", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
    elapsed = time.monotonic() - started
    if elapsed >= TICK_SECONDS:
        say(f"  done in {elapsed:.0f} s")
