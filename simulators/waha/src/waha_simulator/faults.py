"""Faults by seed: what goes wrong, how often, and at most how many times.

Whether a fault strikes is a pure function of the seed, the fault and what it could strike (a message, the n-th call
of a path),
never of timing. The limit counts in the order in which things happen.
"""

from dataclasses import dataclass, field
from typing import Any

from waha_simulator.draws import between, fraction

# name -> its own options with their defaults; seconds are [from, to] in WAHA's time
WEBHOOK_FAULTS: dict[str, dict[str, Any]] = {
    "duplicate": {"seconds": [0.2, 2.0]},
    "twin": {"seconds": [0.0, 0.5]},
    "reorder": {"seconds": [0.3, 2.0]},
    "lost_answer": {},
    "early_ack": {"seconds": [0.2, 1.0]},
    "echo_as_app": {"seconds": [0.2, 1.0]},
    "swallowed": {},
}
API_FAULTS: dict[str, dict[str, Any]] = {
    "refuse": {},
    "stalled": {"seconds": [1.0, 3.0]},
    "not_working": {},
    "rate_limited": {"retry_after": 1},
    "bad_gateway": {"after_effect": 0.5},
    "no_lid": {},
    "error_463": {"only_first_contacts": True},
    "error_475": {"only_first_contacts": True},
    "error_500": {"after_effect": 0.5},
    "lost_answer": {},
    "half_answer": {},
    "empty_answer": {},
    "slow": {"seconds": [1.0, 3.0]},
}
FAMILIES = {"webhooks": WEBHOOK_FAULTS, "api": API_FAULTS}
SENDS = ("/api/sendText",)


class UnknownFaultError(ValueError):
    """A fault, family or option that does not exist; the text says which and what exists."""


@dataclass
class Fault:
    """One fault: `probability` 0..1 each time, at most `limit` times (None: no limit), counted in `injected`."""

    probability: float
    limit: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    injected: int = 0

    def shown(self) -> dict[str, Any]:
        return {"probability": self.probability, "limit": self.limit, **self.options, "injected": self.injected}


class Faults:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self.seed: int = 0
        self.paths: tuple[str, ...] = SENDS
        self._faults: dict[str, dict[str, Fault]] = {"webhooks": {}, "api": {}}

    def set(self, wanted: dict[str, Any]) -> None:
        """Replace all faults: `{seed, webhooks: {name: {probability, limit, …}}, api: {…}, paths: […]}`. Counts start
        at 0.
        """
        unknown = set(wanted) - {"seed", "webhooks", "api", "paths"}
        if unknown:
            raise UnknownFaultError(f"unknown: {', '.join(sorted(unknown))}; known are seed, webhooks, api, paths")
        faults = {family: _read(family, wanted.get(family) or {}) for family in FAMILIES}
        self.seed = int(wanted.get("seed", 0))
        self.paths = tuple(wanted.get("paths") or SENDS)
        self._faults = faults

    def clear(self) -> None:
        self.set({})

    def shown(self) -> dict[str, Any]:
        families = {
            family: {name: fault.shown() for name, fault in faults.items()} for family, faults in self._faults.items()
        }
        return {"seed": self.seed, "paths": list(self.paths), **families}

    def has(self, family: str, name: str) -> bool:
        """Whether this fault is switched on."""
        return name in self._faults[family]

    def strikes(self, family: str, name: str, *what: object) -> Fault | None:
        """The fault if it strikes this thing, and then it is counted."""
        fault = self._faults[family].get(name)
        if fault is None or (fault.limit is not None and fault.injected >= fault.limit):
            return None
        if fraction(self.seed, family, name, *what) >= fault.probability:
            return None
        fault.injected += 1
        return fault

    def seconds(self, fault: Fault, *what: object) -> float:
        """How long this fault lasts for this thing."""
        low, high = fault.options["seconds"]
        return between(low, high, self.seed, "seconds", *what)

    def chance(self, fault: Fault, option: str, *what: object) -> bool:
        return fraction(self.seed, option, *what) < float(fault.options[option])


def _read(family: str, wanted: dict[str, Any]) -> dict[str, Fault]:
    known = FAMILIES[family]
    faults = {}
    for name, given in wanted.items():
        if name not in known:
            raise UnknownFaultError(f"unknown fault {family}.{name}; known are {', '.join(known)}")
        options = {"probability": 1.0, "limit": None, **known[name]}
        unknown = set(given) - set(options)
        if unknown:
            raise UnknownFaultError(f"{family}.{name} has no {', '.join(sorted(unknown))}; it has {', '.join(options)}")
        options |= given
        faults[name] = Fault(float(options.pop("probability")), options.pop("limit"), options)
    return faults
