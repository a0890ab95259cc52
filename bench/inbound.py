"""The inbound line: webhooks posted → `message.received` heard, at fixed rates and at the highest that holds; the floor in turns with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from line import Line, Step
from search import held, highest
from stand import Stand
from tables import print_costs, print_steps
from yardstick import floor

IDLE_PER_S, IDLE_S = 5.0, 10.0
WARM_PER_S, WARM_S = 300.0, 5.0
BEGIN_OF_FLOOR = 0.25
"""Where the search begins: from below, since what comes right after an overload fails more easily."""
BEGIN_PER_S = 900.0


@dataclass(frozen=True)
class Extent:
    """How long and how often is measured."""

    connections: Sequence[int] = (64, 16)
    rates: Sequence[float] = (500.0, 1000.0)
    seconds: float = 30.0
    """Of a step at a fixed rate."""
    probe_s: float = 15.0
    """Of a step of the search."""
    hold_s: float = 60.0
    """For which the highest rate must hold."""
    floor_s: float = 12.0


def measure(stand: Stand, extent: Extent, with_floor: bool) -> dict[str, Any]:
    """Measure a fresh stack from each number of connections; return `inbound`, and with the floor also `floor` and `ratio`."""
    stand.reset()
    line: Line | None = None
    ours: dict[str, Any] = {}
    floors: dict[str, Any] = {}
    for connections in extent.connections:
        before = floor(stand, extent.floor_s, connections) if with_floor else None
        stand.up()
        if line is None:
            line = Line(stand)
            line.meet(connections)
        else:
            line.step(WARM_PER_S, WARM_S, connections)
        begin = before["per_s"] * BEGIN_OF_FLOOR if before else BEGIN_PER_S
        ours[str(connections)] = _measured(line, extent, connections, begin)
        stand.down()
        if before:
            after = floor(stand, extent.floor_s, connections)
            mean = (before["per_s"] + after["per_s"]) / 2
            floors[str(connections)] = {"per_s": round(mean, 1), "before": before, "after": after}
    stand.reset()
    return _told(ours, floors)


def measure_floor(stand: Stand, extent: Extent) -> dict[str, Any]:
    """Measure the floor alone, on fresh servers."""
    stand.reset()
    found = {str(each): floor(stand, extent.floor_s, each) for each in extent.connections}
    stand.reset()
    return {"floor": {"per_s": next(iter(found.values()))["per_s"], **found}}


def _measured(line: Line, extent: Extent, connections: int, begin: float) -> dict[str, Any]:
    steps: dict[str, Step] = {}
    planned = {"idle": (IDLE_PER_S, IDLE_S)} | {f"{per_s:g}": (per_s, extent.seconds) for per_s in extent.rates}
    for name, (per_s, seconds) in planned.items():
        steps[name] = line.step(per_s, seconds, connections)
        print(f"  {name}: {steps[name].outcome.latency}", flush=True)
    tried: list[dict[str, Any]] = []

    def holds(per_s: float, seconds: float = extent.probe_s) -> bool:
        step = line.step(per_s, seconds, connections)
        reasons = step.outcome.why_not()
        tried.append({"per_s": round(per_s, 1), "seconds": seconds, "why_not": reasons})
        print(f"  {per_s:6.0f}/s for {seconds:.0f} s: {'; '.join(reasons) or 'holds'}", flush=True)
        if not reasons:
            steps["highest"] = step
        return not reasons

    found = held(highest(holds, begin), lambda per_s: holds(per_s, extent.hold_s))
    if found is None:
        steps.pop("highest", None)
    if not line.rules_on():
        raise SystemExit("a rule was switched off during the measurement: it ran too often")
    print_steps(connections, {name: step.figures() for name, step in steps.items()})
    print_costs({name: step.figures() for name, step in steps.items()})
    return {
        "sustained_per_s": found and round(steps["highest"].outcome.sustained_per_s, 1),
        "tried": tried,
        **{name: step.figures() for name, step in steps.items()},
    }


def _told(ours: dict[str, Any], floors: dict[str, Any]) -> dict[str, Any]:
    """Return the figures by their names; those without a number of connections are from the first, 64 by default."""
    first = next(iter(ours))
    headline = {
        "sustained_per_s": ours[first]["sustained_per_s"],
        "p99_ms": ours[first].get("highest", {}).get("p99_ms"),
    }
    found: dict[str, Any] = {"inbound": {**headline, **ours}}
    if floors:
        ratios = {
            each: round(ours[each]["sustained_per_s"] / floors[each]["per_s"], 3)
            for each in ours
            if ours[each]["sustained_per_s"]
        }
        found |= {"floor": {"per_s": floors[first]["per_s"], **floors}, "ratio": ratios.get(first), "ratios": ratios}
        for each in ours:
            print(
                f"\n{each} connections: {ours[each]['sustained_per_s']} messages/s sustained, floor {floors[each]['per_s']}/s"
                f" (closed loop, before and after), ratio {ratios.get(each)}"
            )
    return found
