import ipaddress
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_stack.instances import Instance
from local_stack.ports import OFFSETS

sys.path.insert(0, str(Path(__file__).parent))


def _all_free(base: int) -> bool:
    for offset in OFFSETS.values():
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", base + offset))
            except OSError:
                return False
    return True


@pytest.fixture(scope="session")
def free_base(worker_id: str) -> int:
    """The first port of a block that nobody uses, another one in each test worker."""
    first = 31000 + 400 * int(worker_id.removeprefix("gw") or 0) if worker_id != "master" else 31000
    return next(base for base in range(first, first + 400, 40) if _all_free(base))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, free_base: int) -> Iterator[Instance]:
    """A throw-away instance with both servers running."""
    root = tmp_path_factory.mktemp("stack")
    instance = Instance.open("test-stack", root, {"VENTROS_PORT_BASE": str(free_base)})
    instance.start()
    yield instance
    instance.reset()


@pytest.fixture
def listening_addresses() -> Callable[[set[int]], dict[str, int]]:
    """Ask for address and port of every listening socket of some processes."""
    return _listening_addresses


def _listening_addresses(pids: set[int]) -> dict[str, int]:
    """Address and port of every listening socket of these processes, as /proc tells it."""
    inodes = set()
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(str(handle.readlink()))
            except FileNotFoundError:
                continue
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                host, _, port = fields[1].partition(":")
                words = [int(host[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(host), 8)]
                found[f"{ipaddress.ip_address(b''.join(words))} {int(port, 16)}"] = int(port, 16)
    return found
