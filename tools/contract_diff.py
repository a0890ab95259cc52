"""Judge the schemas of the working tree against those that are released, in both directions, with reasons.

    contract_diff.py [REVISION …] [--retired EVENT …]

Without revisions: the newest tag `<service>/v*` of every service, since their releases live side by side; where nothing
is released yet, `main`. Git is the registry: each revision brings its own `contracts/schemas`.
Exit 1 on an incompatible change.
"""

import argparse
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

from contracts.compatibility import UnknownKeywordError, compatible

from contracts.schemas import Schema, Schemas

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "contracts/schemas"
UNRELEASED = "main"


def newest_tags(root: Path) -> list[str]:
    """Return the newest release tag of each service."""
    tags = _git(root, "tag", "--list", "*/v*", "--sort=-version:refname").decode().split()
    newest: dict[str, str] = {}
    for tag in tags:
        newest.setdefault(tag.rpartition("/v")[0], tag)
    return sorted(newest.values())


def schemas_at(root: Path, revision: str) -> dict[str, Schemas]:
    """Return the schemas of a revision by event type; empty where it had none."""
    if not _git(root, "ls-tree", revision, "--", f"{FOLDER}/").strip():
        return {}
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "--format=tar", revision, FOLDER))) as archive:
        files = {
            Path(member.name).name: file.read()
            for member in archive
            if (file := archive.extractfile(member)) is not None
        }
    return _paired(files)


def schemas_in_tree(root: Path) -> dict[str, Schemas]:
    """Return the schemas of the working tree."""
    return _paired({file.name: file.read_bytes() for file in (root / FOLDER).glob("*.json")})


def reasons_against(released: dict[str, Schemas], now: dict[str, Schemas], retired: set[str]) -> list[str]:
    """Return why releases with these schemas cannot live beside the working tree's."""
    reasons = []
    for event_type, old in sorted(released.items()):
        if event_type in now:
            try:
                reasons += [f"{event_type}: {reason}" for reason in compatible(old, now[event_type])]
            except UnknownKeywordError as error:
                reasons.append(f"{event_type}: {error}")
        elif event_type not in retired:
            reasons.append(f"{event_type}: is gone, and the release may say or hear it (--retired once nobody does)")
    return reasons


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revisions", nargs="*", metavar="REVISION")
    parser.add_argument(
        "--retired", nargs="+", default=[], metavar="EVENT", help="events that no release uses any more"
    )
    options = parser.parse_args(arguments)
    revisions = options.revisions or newest_tags(root) or [UNRELEASED]
    now = schemas_in_tree(root)
    failed = False
    for revision in revisions:
        released = schemas_at(root, revision)
        reasons = reasons_against(released, now, set(options.retired))
        failed = failed or bool(reasons)
        verdict = "incompatible" if reasons else f"compatible with all {len(released)} schemas"
        print(f"{revision}: {verdict}")
        for reason in reasons:
            print(f"  {reason}")
    return 1 if failed else 0


def _paired(files: dict[str, bytes]) -> dict[str, Schemas]:
    sides: dict[str, dict[str, Schema]] = {}
    for name, content in files.items():
        event_type, _, side = name.removesuffix(".json").rpartition(".")
        sides.setdefault(event_type, {})[side] = json.loads(content)
    return {event_type: Schemas(**both) for event_type, both in sides.items()}


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, stdout=subprocess.PIPE).stdout  # noqa: S603, S607


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
