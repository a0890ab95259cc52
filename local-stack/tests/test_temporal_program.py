import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from local_stack.progress import CannotContinue
from local_stack.temporal_program import find, kept_program, obtain

NOWHERE = "http://127.0.0.1:1"


def _program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """A user's environment on a machine that reaches nothing, with a `bin` folder of theirs on PATH."""
    return {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "HTTPS_PROXY": NOWHERE,
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-modcacherw",
    }


def test_where_no_source_works_one_sentence_names_every_repair_soon(offline: dict[str, str]) -> None:
    started = time.monotonic()

    with pytest.raises(CannotContinue) as told:
        obtain(offline)

    assert time.monotonic() - started < 30
    for repair in ("on PATH", "temporal.download", "Go 1.25", "TEMPORAL_HOST", "sessions wait"):
        assert repair in str(told.value)
    assert "\n" not in str(told.value)


def test_a_program_on_path_comes_first_unless_it_is_too_old(tmp_path: Path, offline: dict[str, str]) -> None:
    kept = _program(kept_program(offline), "")
    on_path = _program(tmp_path / "bin" / "temporal", "echo 'start-dev: unknown command'")
    assert find(offline) == kept

    on_path.unlink()
    newer = _program(tmp_path / "bin" / "temporal", "echo '  --http-port int'")
    assert find(offline) == newer


def test_what_go_built_is_kept_for_all_clones_and_built_once(tmp_path: Path, offline: dict[str, str]) -> None:
    built = tmp_path / "built"
    _program(tmp_path / "bin" / "go", f'sleep 0.3; echo "$*" >>{built}; echo made >"$GOBIN/temporal"')
    kept = kept_program(offline)
    (kept.parent / "tmp-of-one-that-was-killed").mkdir(parents=True)

    with ThreadPoolExecutor(2) as two:
        found = list(two.map(obtain, [offline, offline]))

    assert found == [kept, kept]
    assert kept.read_text() == "made\n"
    assert kept.stat().st_mode & 0o777 == 0o755
    assert built.read_text().splitlines() == ["install github.com/temporalio/cli/cmd/temporal@v1.5.1"]
    assert {path.name for path in kept.parent.iterdir()} == {".lock", "temporal"}


def test_what_go_says_when_it_fails_is_handed_on(tmp_path: Path, offline: dict[str, str]) -> None:
    _program(tmp_path / "bin" / "go", "echo 'go: module requires go >= 1.25' >&2; exit 1")

    with pytest.raises(CannotContinue, match=r"requires go >= 1\.25"):
        obtain(offline)


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, offline: dict[str, str]) -> None:
    (tmp_path / "cache").write_text("not a folder")

    with pytest.raises(CannotContinue, match="XDG_CACHE_HOME"):
        obtain(offline)
