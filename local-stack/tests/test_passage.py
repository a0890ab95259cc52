import os
import subprocess
from pathlib import Path

import pytest
from local_stack.passage import let_pass

STRANGER = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


def _as_stranger(*command: str) -> int:
    prefix = ["setpriv", "--reuid", str(STRANGER), "--regid", str(STRANGER), "--clear-groups"]
    return subprocess.run([*prefix, *command], capture_output=True, cwd="/").returncode


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A closed folder with an open file in it; the folders above it are passed through already."""
    for folder in reversed(tmp_path.parents):
        let_pass(folder, STRANGER)
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    let_pass(tmp_path, STRANGER)
    (folder / "open").write_text("here")
    (folder / "open").chmod(0o644)
    return folder


@needs_root
def test_a_user_that_may_pass_reaches_what_is_inside_and_lists_nothing(closed: Path) -> None:
    assert _as_stranger("cat", str(closed / "open")) != 0
    let_pass(closed, STRANGER)
    assert _as_stranger("cat", str(closed / "open")) == 0
    assert _as_stranger("ls", str(closed)) != 0
    assert _as_stranger("touch", str(closed / "new")) != 0


@needs_root
def test_nobody_else_may_pass_where_the_file_system_keeps_lists(closed: Path) -> None:
    let_pass(closed, STRANGER - 1)
    if closed.stat().st_mode & 0o001:
        pytest.skip("no access control lists here: everybody may pass")
    assert _as_stranger("cat", str(closed / "open")) != 0


def test_an_open_folder_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert not let_pass(tmp_path, STRANGER)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
