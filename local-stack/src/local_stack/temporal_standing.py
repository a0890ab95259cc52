"""How Temporal of an instance stands: it runs, its program is still on its way, or it cannot be had here."""

from dataclasses import dataclass
from typing import Literal

from local_stack.files import last_lines
from local_stack.instances import Instance
from local_stack.process_table import BRINGING_TEMPORAL
from local_stack.processes import Process, until
from local_stack.temporal_program import find

_START_SECONDS = 60.0


@dataclass(frozen=True)
class Standing:
    """`words` tell people what it means for them."""

    state: Literal["ready", "external", "starting", "coming", "missing"]
    words: str


def standing(instance: Instance) -> Standing:
    """Look, without waiting for anything."""
    if instance.external_temporal_host:
        return Standing("external", f"Temporal is the one at {instance.external_temporal_host}.")
    if instance.temporal().ready():
        return Standing("ready", f"Temporal answers at {instance.temporal_host}.")
    if find(instance.environment):
        return Standing(
            "starting",
            f"Temporal does not answer: `make logs SERVICE=temporal INSTANCE={instance.name}` tells why; "
            "`make down up` finds a program that came to PATH after the start.",
        )
    if Process.recorded(instance.records / f"{BRINGING_TEMPORAL}.json"):
        return Standing(
            "coming",
            "Temporal's program is being brought in the background, which can take some minutes, once: until then no "
            f"session ends by itself; everything else runs (`make logs SERVICE={BRINGING_TEMPORAL}`).",
        )
    told = last_lines(instance.logs / f"{BRINGING_TEMPORAL}.log", 1).strip()
    return Standing(
        "missing",
        told if told.startswith("Temporal is missing") else "Temporal's program is missing: `make up` brings it.",
    )


def settle(instance: Instance) -> Standing:
    """Wait until Temporal answers where its program is there, and not for a program that is still on its way."""
    until(lambda: standing(instance).state != "starting", _START_SECONDS, every=0.2)
    return standing(instance)
