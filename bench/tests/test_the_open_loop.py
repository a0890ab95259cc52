"""Requests at a fixed rate: a stall of who answers is seen in the figures of all that were due meanwhile."""

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from open_loop import post_at

REQUEST = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok"


@contextmanager
def answering(stall_at: int, stall_s: float) -> Iterator[int]:
    """Answer one connection; stall before one answer; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            number = 0
            with connection:
                while connection.recv(len(REQUEST)):
                    if number == stall_at:
                        time.sleep(stall_s)
                    connection.sendall(ANSWER)
                    number += 1

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def test_latency_counts_from_when_a_request_was_due() -> None:
    with answering(stall_at=10, stall_s=0.5) as port:
        posted = post_at(port, [REQUEST] * 40, per_second=100, connections=1)
    took = [each.answered - each.due for each in posted]
    assert all(each.status == 202 for each in posted)
    assert max(took[:10]) < 0.2
    assert took[10] > 0.45
    assert 0.2 < took[30] < 0.45  # due 0.2 s after the stall began, so it waited for the rest of it


def test_requests_are_due_at_the_rate() -> None:
    with answering(stall_at=-1, stall_s=0) as port:
        posted = post_at(port, [REQUEST] * 30, per_second=100, connections=1)
    gaps = [later.due - earlier.due for earlier, later in itertools.pairwise(posted)]
    assert all(abs(gap - 0.01) < 1e-4 for gap in gaps)
