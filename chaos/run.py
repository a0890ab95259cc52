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
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path += [str(ROOT / "tests-e2e")]

from catalogue import chosen  # noqa: E402 - the path comes first
from report import Report, table  # noqa: E402
from running import run_scenario  # noqa: E402
from scenario import Scenario  # noqa: E402
from stand import Stand  # noqa: E402

BEGIN, END = "<!-- measured by make chaos -->", "<!-- end of measured -->"


def write_table(reports: Sequence[Report], command: str) -> None:
    """Put the measured table into docs/reliability.md."""
    document = ROOT / "docs" / "reliability.md"
    before, _, rest = document.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    today = datetime.now(UTC).date().isoformat()
    measured = f"{BEGIN}\n\nMeasured on {today} with `{command}`:\n\n{table(reports)}\n\n{END}"
    document.write_text(f"{before}{measured}{after}")


async def run_all(wanted: Sequence[Scenario], seed: int) -> list[Report]:
    """Run one after the other; neighbours with the same settings share one stack."""
    stand, reports = Stand(), []
    try:
        for scenario in sorted(wanted, key=lambda each: sorted(each.settings.items())):
            report = await run_scenario(scenario, stand, seed)
            print(report.text(), flush=True)
            reports.append(report)
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
    kept = ROOT / ".ventros" / "chaos.json"
    kept.write_text(json.dumps([each.as_json() for each in reports], indent=2))
    options = "".join([f" --only {given.only}" if given.only else "", f" --seed {given.seed}"])
    if given.write:
        write_table(reports, f"make chaos T='{options.strip()}'")
    print(f"\n{table(reports)}")
    red = [each.key for each in reports if not each.green]
    print(f"\n{len(reports) - len(red)} green, {len(red)} red{': ' + ', '.join(red) if red else ''}")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
