"""Print the choreography as a table: each event, who says it, who hears it. Exit 1 where the catalogue is stale."""

import sys
from pathlib import Path

from choreography import Choreography, read_choreography
from contracts.registry import payloads
from event_files import catalogue_file

ROOT = Path(__file__).resolve().parents[1]


def table(choreography: Choreography) -> str:
    """Return the events that anybody says or hears, one a line; `~` marks who hears only while running."""
    rows = [("EVENT", "SAID BY", "HEARD BY")]
    for event_type in payloads():
        said = ", ".join(choreography.speakers.get(event_type, ()))
        heard = choreography.heard_by(event_type, transient=False)
        heard += [f"~{name}" for name in choreography.heard_by(event_type, transient=True)]
        if said or heard:
            rows.append((event_type, said or "–", ", ".join(heard) or "–"))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{event:<{widths[0]}}  {said:<{widths[1]}}  {heard}" for event, said, heard in rows)


def main(root: Path = ROOT) -> int:
    """Run the command."""
    choreography = read_choreography(root)
    print(table(choreography))
    stale = any((root / path).read_text(encoding="utf-8") != text for path, text in catalogue_file(choreography))
    if stale:
        print("contracts/CATALOG.md differs; run: python tools/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
