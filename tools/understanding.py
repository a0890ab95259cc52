"""The table of channel-gateway's README: what WAHA says, by event and engine, and what becomes of it.

Written from the cases that the service's tests prove (services/channel-gateway/tests/waha_cases.py), between two markers.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

README = Path("services/channel-gateway/README.md")
CASES = Path("services/channel-gateway/tests")
BEGIN, END = "<!-- written by tools/understanding.py -->", "<!-- until here -->"
UNTOLD = "–"


def files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the README with its table, where there are both. Raises ValueError for a README without the markers."""
    if not (root / README).is_file() or not (root / CASES / "waha_cases.py").is_file():
        return
    sys.path.insert(0, str(root / CASES))
    cases = importlib.import_module("waha_cases")
    text = (root / README).read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{README} does not hold {BEGIN} and {END}")
    table = "\n".join(_table(cases.ENGINES, cases.cases()))
    yield README, f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def _table(engines: Iterable[str], cases: Iterable[Any]) -> Iterator[str]:
    """Yield the lines of the table; events that show the same, and of which the same becomes, share a row."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for case in cases:
        rows.setdefault((case.event, case.what), {})[case.engine] = case.becomes.removeprefix("a message: ")
    shared: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (event, what), by_engine in rows.items():
        cells = tuple(by_engine.get(engine, UNTOLD) for engine in engines)
        shared.setdefault((what, cells), []).append(f"`{event}`" if " " not in event else event)
    yield f"| Event | What it shows | {' | '.join(engines)} |"
    yield f"|---|---|{'---|' * len(tuple(engines))}"
    for (what, cells), events in shared.items():
        yield f"| {' '.join(dict.fromkeys(events))} | {what} | {' | '.join(cells)} |"
