"""What is written one after the other leaves together, and nothing of it is lost."""

import asyncio

import pytest
from web.joined_writes import JoinedWrites


class Noting(asyncio.Transport):
    """Notes what leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.left.append(bytes(data))

    def write_eof(self) -> None:
        self.left.append("end")

    def close(self) -> None:
        self.left.append("closed")

    def abort(self) -> None:
        self.left.append("aborted")

    def is_closing(self) -> bool:
        return "aborted" in self.left


async def _joined() -> tuple[Noting, JoinedWrites]:
    noting = Noting()
    return noting, JoinedWrites(noting, asyncio.get_running_loop())


async def test_head_and_body_leave_together() -> None:
    noting, joined = await _joined()
    joined.write(b"head ")
    joined.writelines([b"bo", b"dy"])
    assert noting.left == []
    await asyncio.sleep(0)
    joined.write(b"next")
    await asyncio.sleep(0)
    assert noting.left == [b"head body", b"next"]


@pytest.mark.parametrize(("ends", "last"), [("close", "closed"), ("write_eof", "end")])
async def test_what_was_written_leaves_before_the_end(ends, last) -> None:
    noting, joined = await _joined()
    joined.write(b"answer")
    getattr(joined, ends)()
    await asyncio.sleep(0)
    assert noting.left == [b"answer", last]


async def test_what_is_broken_off_says_nothing_more() -> None:
    noting, joined = await _joined()
    joined.write(b"answer")
    joined.abort()
    await asyncio.sleep(0)
    assert noting.left == ["aborted"]
