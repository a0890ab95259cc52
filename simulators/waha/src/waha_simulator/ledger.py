"""What the simulator did and was asked, as JSON lines: one book of webhook attempts, one of API calls.

Kept in memory for `GET /control/ledger/…` and, with a data folder, appended to a file so that a restart goes on where
it stopped.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Book:
    """Append-only JSON lines, each with its number `line` from 1 on."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lines: list[bytes] = []
        self._file: IO[bytes] | None = None
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lines = _whole_lines(path)
            self._file = path.open("ab")

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, entry: dict[str, Any]) -> int:
        """Append one entry and return its line number."""
        number = len(self._lines) + 1
        line = _encode({"line": number, **entry}).encode()
        self._lines.append(line)
        if self._file is not None:
            self._file.write(line + b"\n")
            self._file.flush()
        return number

    def since(self, line: int = 0, limit: int | None = None) -> list[bytes]:
        """The lines after this number, oldest first."""
        start = max(line, 0)
        return self._lines[start : None if limit is None else start + limit]

    def entries(self, line: int = 0) -> Iterator[dict[str, Any]]:
        return (json.loads(entry) for entry in self.since(line))

    def clear(self) -> None:
        self._lines.clear()
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _whole_lines(path: Path) -> list[bytes]:
    """The complete lines of a file. A torn last line, left by a kill, is cut off so that the next append starts
    clean.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        with path.open("r+b") as file:
            file.truncate(end)
    return content[:end].splitlines()


class Ledger:
    """The two books: `webhooks` (every attempt of every post) and `calls` (every API call with its effects)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.webhooks = Book(folder / "webhooks.jsonl" if folder else None)
        self.calls = Book(folder / "calls.jsonl" if folder else None)

    def clear(self) -> None:
        self.webhooks.clear()
        self.calls.clear()

    def close(self) -> None:
        self.webhooks.close()
        self.calls.close()
