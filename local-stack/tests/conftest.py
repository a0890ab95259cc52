import socket
from collections.abc import Iterator

import pytest
from local_stack.instances import Instance
from local_stack.ports import OFFSETS


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
