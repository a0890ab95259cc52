"""The scenarios that there are, and finding some of them."""

import importlib
from pathlib import Path

from scenario import Scenario

FAULTS = Path(__file__).resolve().parent / "faults"


def scenarios() -> list[Scenario]:
    """Return the scenarios of every file in faults/, by number."""
    names = sorted(path.stem for path in (FAULTS).glob("f*.py"))
    found = [each for name in names for each in importlib.import_module(f"faults.{name}").SCENARIOS]
    return sorted(found, key=lambda each: each.number)


def chosen(wanted: str) -> list[Scenario]:
    """Return those whose number or key is wanted, in the order in which they were named; all of them without wishes."""
    everything = scenarios()
    if not wanted:
        return everything
    found: list[Scenario] = []
    for word in wanted.split(","):
        fit = [each for each in everything if word.strip() in (str(each.number), each.key)]
        if not fit:
            raise LookupError(f"there is no scenario {word}: choose from {', '.join(each.key for each in everything)}")
        found += [each for each in fit if each not in found]
    return found
