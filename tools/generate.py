"""Write the generated files, or with --check say which are stale.

Exit 1: a file is stale (--check), or the services' source contradicts itself (heard and said by nobody).
"""

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import event_files
from choreography import Choreography, ChoreographyError, read_choreography

ROOT = Path(__file__).resolve().parents[1]
Files = Iterator[tuple[Path, str]]

# Modules of this folder, where they exist, with `files(root) -> Iterator[tuple[Path, str]]` (paths below the root).
PLUGGED_IN = ("openapi", "understanding")
# Nothing but generated files lives here: what nothing generates any more is removed.
OWNED_FOLDERS = (Path("contracts/schemas"),)


def generated_files(root: Path, choreography: Choreography) -> dict[Path, str]:
    """Return the text of every generated file by its path below `root`."""
    files = dict(event_files.schema_files())
    per_choreography: tuple[Callable[[Choreography], Files], ...] = (
        event_files.topology_file,
        event_files.catalogue_file,
        event_files.asyncapi_file,
    )
    for generator in per_choreography:
        files |= dict(generator(choreography))
    for name in PLUGGED_IN:
        if importlib.util.find_spec(name) is not None:
            files |= dict(importlib.import_module(name).files(root))
    return files


def stale_files(root: Path, files: dict[Path, str]) -> list[Path]:
    """Return the paths whose content differs from what it should be, and files that nothing generates any more."""
    changed = [path for path, text in files.items() if _text(root / path) != text]
    orphans = [
        file.relative_to(root)
        for folder in OWNED_FOLDERS
        for file in (root / folder).glob("*")
        if file.relative_to(root) not in files
    ]
    return sorted([*changed, *orphans])


def write(root: Path, files: dict[Path, str]) -> list[Path]:
    """Bring every stale file up to date and remove orphans; return what was touched."""
    touched = stale_files(root, files)
    for path in touched:
        if path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path], encoding="utf-8")
        else:
            (root / path).unlink()
    return touched


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is stale")
    check = parser.parse_args(arguments).check
    try:
        choreography = read_choreography(root)
    except ChoreographyError as error:
        print(error, file=sys.stderr)
        return 1
    files = generated_files(root, choreography)
    touched = stale_files(root, files) if check else write(root, files)
    for path in touched:
        print(f"{'stale' if check else 'written'}: {path}")
    if check and touched:
        print("run: python tools/generate.py", file=sys.stderr)
    problems = choreography.problems()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems or (check and touched) else 0


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
