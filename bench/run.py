"""`make bench`: measure the running product, print tables, and write every figure to `.ventros/bench.json`.

    python bench/run.py [--only inbound,floor] [--connections 64,16] [--minutes 10] …

A part is a file with `measure(stand)`; each replaces its own figures and leaves those of the others. Everything shares the machine's
cores, the generators included, and the machine's speed drifts: read the ratios, not the absolute figures.
"""

import argparse
import importlib
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import endurance
import inbound
import reads
from stand import Stand

KEPT = Path(__file__).resolve().parent.parent / ".ventros" / "bench.json"
ORDER = ("inbound", "floor", "outbound", "replies", "open_sessions", "replicas", "reads", "memory")
Figures = dict[str, Any]


def parts_of(stand: Stand, wanted: argparse.Namespace, chosen: tuple[str, ...]) -> dict[str, Callable[[], Figures]]:
    """Return what each part does; what it returns are keys of the file. The floor is measured in turns with ours where both are chosen."""
    extent = inbound.Extent(
        connections=[int(each) for each in wanted.connections.split(",")],
        rates=[float(each) for each in wanted.rates.split(",")],
        seconds=wanted.seconds,
        probe_s=wanted.probe,
        hold_s=wanted.hold,
    )

    def of_file(name: str) -> Callable[[], Figures]:
        return lambda: {name: importlib.import_module(name).measure(stand)}

    def memory() -> Figures:
        highest = wanted.highest or kept().get("inbound", {}).get("sustained_per_s")
        if not highest:
            raise SystemExit("no highest rate is known: run T='--only inbound' before, or say --highest 1000")
        return {"memory": endurance.measure(stand, highest, wanted.minutes, extent.connections[0])}

    parts = {name: of_file(name) for name in ORDER}
    parts["inbound"] = lambda: inbound.measure(stand, extent, "floor" in chosen)
    parts["reads"] = lambda: {"reads": reads.measure_seeded()}
    parts["memory"] = memory
    parts["floor"] = lambda: inbound.measure_floor(stand, extent)
    if "inbound" in chosen:
        del parts["floor"]
    return {name: parts[name] for name in ORDER if name in parts and name in chosen}


def kept() -> Figures:
    """Return what was measured so far."""
    found: Figures = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return found


def keep(figures: Figures) -> None:
    """Replace these keys."""
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(kept() | figures, indent=2))


def main() -> None:
    """Run the parts, one after the other; exit with 1 when one could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(ORDER), help=f"some of {','.join(ORDER)}")
    parser.add_argument("--connections", default="64,16", help="of the generator; the first is the headline's")
    parser.add_argument("--rates", default="500,1000", help="fixed rates, messages a second")
    parser.add_argument("--seconds", type=float, default=30, help="of a step at a fixed rate")
    parser.add_argument("--probe", type=float, default=15, help="seconds of a step of the search for the highest rate")
    parser.add_argument("--hold", type=float, default=60, help="seconds for which the highest rate must hold")
    parser.add_argument("--minutes", type=float, default=10, help="of the part memory")
    parser.add_argument(
        "--highest", type=float, help="messages a second, for the part memory; default: what inbound found"
    )
    parser.add_argument("--partitions", type=int, default=1, choices=(1, 2, 4, 8), help="each hop has one replica")
    wanted = parser.parse_args()
    chosen = tuple(each for each in wanted.only.split(",") if each)
    if unknown := set(chosen) - set(ORDER):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    stand, failed = Stand(partitions=wanted.partitions), []
    for name, measure in parts_of(stand, wanted, chosen).items():
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        try:
            keep(measure())
            print(f"== {name}: {time.monotonic() - began:.0f} s", flush=True)
        except (Exception, SystemExit):
            traceback.print_exc()
            failed.append(name)
        stand.reset()
    print(f"\n{KEPT}{': without ' + ', '.join(failed) if failed else ''}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
