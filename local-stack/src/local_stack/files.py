"""Files that nobody else may read, written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

PRIVATE = 0o600


def write_private(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content` with mode 0600; whoever reads sees the old or the new file, never half of one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(handle, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def write_private_json(path: Path, content: Any) -> None:
    write_private(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> Any | None:
    """The file's content, or None where it is missing or was cut off."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def make_folder(path: Path, mode: int = 0o755) -> Path:
    """Make a folder with exactly this mode, whatever the umask says."""
    path.mkdir(parents=True, exist_ok=True)
    if path.stat().st_mode & 0o7777 != mode:
        path.chmod(mode)
    return path


def last_lines(path: Path, count: int = 12) -> str:
    """The end of a log file, indented, for a message about what went wrong."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 32_768))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return "    (no log yet)"
    return "\n".join(f"    {line}" for line in lines[-count:]) or "    (the log is empty)"
