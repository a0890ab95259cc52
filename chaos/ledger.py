"""What the load generator sent and what it was answered: the outside truth that the checker believes, not our tables.

One JSON line for each time an outcome became known; the last line of an operation counts. It is written as `info` before the first
byte leaves, so that a generator that dies leaves nothing that nobody knows of.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

Outcome = Literal["ok", "fail", "info"]
Kind = Literal["webhook", "send"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One webhook, known by WhatsApp's message id; or one send over the API, known by its idempotency key.

    `ok`: answered 2xx, must be there once. `fail`: refused with a 4xx, must not be there. `info`: nobody knows, may be there once.
    """

    op_id: str
    kind: Kind
    tenant: str
    chat: str
    seq: int
    body_hash: str
    sent_at: float
    """Seconds since 1970, of the first attempt."""
    outcome: Outcome = "info"
    attempts: int = 0


class Ledger:
    """An append-only file and what it says, by operation."""

    def __init__(self, path: Path) -> None:
        """Begin an empty file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("w")
        self.operations: dict[str, Operation] = {}

    def begin(self, op_id: str, kind: Kind, tenant: str, chat: str, seq: int, body: bytes) -> None:
        """Note that it is about to be sent."""
        digest = hashlib.sha256(body).hexdigest()[:16]
        self._write(Operation(op_id, kind, tenant, chat, seq, digest, time.time()))

    def end(self, op_id: str, outcome: Outcome, attempts: int) -> None:
        """Note what is known of it now."""
        self._write(replace(self.operations[op_id], outcome=outcome, attempts=attempts))

    def of(self, kind: Kind, outcome: Outcome | None = None) -> list[Operation]:
        """Return the operations of this kind (and outcome), in the order in which they were begun."""
        return [
            each
            for each in self.operations.values()
            if each.kind == kind and (outcome is None or each.outcome == outcome)
        ]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, operation: Operation) -> None:
        self.operations[operation.op_id] = operation
        self._file.write(json.dumps(asdict(operation)) + "\n")
        self._file.flush()


def read(path: Path) -> dict[str, Operation]:
    """Return the operations that a file tells of, each as it was last known; a torn last line is left out."""
    return {operation.op_id: operation for operation in _lines(path)}


def _lines(path: Path) -> Iterator[Operation]:
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            yield Operation(**json.loads(line))
