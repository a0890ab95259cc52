"""What the doctor finds: a grade, what it is about, and how to repair it."""

from dataclasses import dataclass
from typing import Literal

from local_stack.instances import Instance
from local_stack.progress import say

Grade = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True)
class Finding:
    """`repair` says what to do where the grade is not ok."""

    grade: Grade
    about: str
    told: str
    repair: str = ""

    def print(self) -> None:
        """Say it, in one line or two."""
        say(f"{self.grade:<6}{self.about:<14}{self.told}")
        if self.repair:
            say(f"{'':<6}{'':<14}→ {self.repair}")


@dataclass(frozen=True)
class Of:
    """What findings are about."""

    about: str

    def ok(self, told: str) -> Finding:
        return Finding("ok", self.about, told)

    def warn(self, told: str, repair: str) -> Finding:
        return Finding("warn", self.about, told, repair)

    def fail(self, told: str, repair: str) -> Finding:
        return Finding("FAIL", self.about, told, repair)


def make(instance: Instance, targets: str) -> str:
    """Return the command line that does something to this instance."""
    return f"`make {targets}`" if instance.name == "demo" else f"`make {targets} INSTANCE={instance.name}`"


def in_words(names: list[str], most: int = 4) -> str:
    """Return the first of them, and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def said(error: BaseException) -> str:
    """Return what an error is and says, in one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": ")
