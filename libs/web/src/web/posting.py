"""What is posted to a service past the framework: a request that was read whole, and what it is answered with."""

from typing import NamedTuple, Protocol

from kernel.errors import DomainError


class Posting(NamedTuple):
    """One POST. Header names are in lower case; `peer` is the address at the other end of the connection."""

    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    peer: str


class Reply(NamedTuple):
    """One answer. `headers` as they go over the wire, each line with its end; length, date and connection are the server's."""

    status: int
    headers: bytes
    body: bytes


class PostDoor(Protocol):
    """Answers every POST below a path."""

    prefix: str
    max_bytes: int

    async def answer(self, posting: Posting) -> Reply:
        """Return the answer, whatever happens."""

    def refuse(self, error: DomainError, path: str) -> Reply:
        """Return the answer to what was not read to its end: too large, or too slow."""
