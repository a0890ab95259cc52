"""`make chaos`: break it while load flows, and let the checker decide (docs/reliability.md).

    python chaos/run.py [--only 6,10,2-relay] [--seed 1] [--write] [--list]

Each scenario takes at most 90 s and prints its seed and options, then a report. Writes `.ventros/chaos.json`; with `--write` also the
table in docs/reliability.md. Exits with 1 when anything is red.
"""

import argparse
import asyncio
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path += [str(ROOT / "tests-e2e")]

from catalogue import chosen, scenarios  # noqa: E402 - the path comes first
from report import Report, measured, table  # noqa: E402
from running import run_scenario  # noqa: E402
from scenario import Scenario  # noqa: E402
from stand import Stand  # noqa: E402

DOCUMENT, KEPT = ROOT / "docs" / "reliability.md", ROOT / ".ventros" / "chaos.json"
BEGIN, END = "<!-- measured by make chaos -->", "<!-- end of measured -->"


def keep(reports: Sequence[Report]) -> dict[str, Any]:
    """Keep what came out beside what earlier runs of other scenarios left; return all of it, by scenario."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    kept |= {report.key: report.as_json() for report in reports}
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(kept, indent=2))
    return dict(sorted(kept.items(), key=lambda each: int(each[0].partition("-")[0])))


def write_table(kept: dict[str, Any]) -> None:
    """Put all that is kept of the present scenarios into docs/reliability.md, with the days and the command."""
    present = {each.key for each in scenarios()}
    runs = [each for key, each in kept.items() if key in present]
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{measured(runs)}\n\n{table(each['row'] for each in runs)}\n\n{END}{after}")


async def run_safely(scenario: Scenario, stand: Stand, seed: int) -> Report:
    """Run one; an error of the run itself makes it red and the next one begin with a stack of its own."""
    try:
        return await run_scenario(scenario, stand, seed)
    except Exception as error:
        await stand.stop()
        trace = "".join(traceback.format_exception(error)[-3:])
        return Report(scenario.key, scenario.title, seed, {}, liveness=[f"the run itself failed: {trace}"])


async def run_all(wanted: Sequence[Scenario], seed: int) -> list[Report]:
    """Run one after the other; neighbours with the same settings share one stack."""
    stand, reports = Stand(), []
    try:
        for scenario in sorted(wanted, key=lambda each: sorted(each.settings.items())):
            report = await run_safely(scenario, stand, seed)
            print(report.text(), flush=True)
            reports.append(report)
            keep([report])
    finally:
        await stand.stop()
    return sorted(reports, key=lambda each: int(each.key.partition("-")[0]))


def main() -> int:
    """Run what is wanted; tell, keep, and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="numbers or keys of scenarios, comma-separated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    parser.add_argument("--list", action="store_true", help="print the scenarios and end")
    given = parser.parse_args()
    try:
        wanted = chosen(given.only)
    except LookupError as unknown:
        raise SystemExit(str(unknown)) from None
    if given.list:
        print("\n".join(f"{each.key:<28}{each.title}" for each in wanted))
        return 0
    os.environ.setdefault("LOG_LEVEL", "warning")
    reports = asyncio.run(run_all(wanted, given.seed))
    kept = keep([])
    if given.write:
        write_table(kept)
    print(f"\n{table(each.row() for each in reports)}")
    red = [each.key for each in reports if not each.green]
    print(f"\n{len(reports) - len(red)} green, {len(red)} red{': ' + ', '.join(red) if red else ''}")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
