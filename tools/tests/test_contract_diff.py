"""The released schemas, out of git, against the working tree."""

import json
import subprocess
from pathlib import Path
from typing import Any

import contract_diff
import pytest

TEXT = {"type": "string"}


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


def put(root: Path, event_type: str, required: list[str], optional: list[str]) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": dict.fromkeys([*required, *optional], TEXT),
        "required": required,
    }
    folder = root / contract_diff.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for side in ("written", "read"):
        (folder / f"{event_type}.{side}.json").write_text(json.dumps(schema))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-b", "main")
    (tmp_path / "README.md").write_text("before the contracts")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "start")
    git(tmp_path, "tag", "session/v0.1.0")
    put(tmp_path, "a.done.v1", ["id"], [])
    put(tmp_path, "b.done.v1", ["id"], [])
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "contracts")
    return tmp_path


def test_an_optional_addition_lives_beside_what_is_released(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "tag", "contact/v1.0.0")
    put(repository, "a.done.v1", ["id"], ["note"])
    put(repository, "c.done.v1", ["id"], [])
    assert contract_diff.main([], repository) == 0
    assert capsys.readouterr().out.splitlines() == [
        "contact/v1.0.0: compatible with all 2 schemas",
        "session/v0.1.0: compatible with all 0 schemas",
    ]


def test_a_new_required_field_is_refused_with_direction_and_reason(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "tag", "-d", "session/v0.1.0")
    put(repository, "a.done.v1", ["id", "note"], [])
    assert contract_diff.main([], repository) == 1
    assert capsys.readouterr().out.splitlines() == [
        "main: incompatible",
        "  a.done.v1: new reader, old event: event: the reader requires 'note', the writer may leave it out",
    ]


def test_an_event_may_go_only_when_it_is_retired(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for side in ("written", "read"):
        (repository / contract_diff.FOLDER / f"b.done.v1.{side}.json").unlink()
    assert contract_diff.main(["main"], repository) == 1
    assert "b.done.v1: is gone" in capsys.readouterr().out
    assert contract_diff.main(["main", "--retired", "b.done.v1"], repository) == 0


def test_a_keyword_that_the_walk_does_not_know_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = repository / contract_diff.FOLDER / "a.done.v1.read.json"
    file.write_text(json.dumps({"type": "object", "oneOf": []}))
    assert contract_diff.main(["main"], repository) == 1
    assert "a.done.v1: cannot judge ['oneOf']" in capsys.readouterr().out


def test_the_newest_tag_of_each_service_counts(repository: Path) -> None:
    for tag in ("contact/v1.9.0", "contact/v1.10.0", "messaging/v2.0.0", "unrelated"):
        git(repository, "tag", tag)
    assert contract_diff.newest_tags(repository) == ["contact/v1.10.0", "messaging/v2.0.0", "session/v0.1.0"]


def test_the_contracts_of_this_working_tree_can_live_beside_themselves() -> None:
    now = contract_diff.schemas_in_tree(contract_diff.ROOT)
    assert len(now) > 20
    assert contract_diff.reasons_against(now, now, set()) == []
