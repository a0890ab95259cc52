"""The doctor and rate limits: what the gateway says of Redis, in each of the ways in which it can."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from local_stack.doctor import limits
from testkit.listening import free_port


@dataclass
class Stack:
    """As much of an instance as is looked at."""

    ports: dict[str, int] = field(default_factory=dict)
    name: str = "test-doctor"


@contextmanager
def gateway_that_says(told: dict[str, Any]) -> Iterator[Stack]:
    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/health/redis"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        running = Thread(target=server.serve_forever)
        running.start()
        yield Stack({"gateway": server.server_address[1]})
        server.shutdown()
        running.join()


@pytest.mark.parametrize(
    ("told", "grade", "words"),
    [
        ({"status": "healthy", "metadata": {"configured": False}}, "ok", "no Redis is set"),
        ({"status": "healthy", "metadata": {}}, "ok", "count together"),
        ({"status": "degraded", "metadata": {}}, "warn", "does not answer"),
    ],
)
async def test_it_says_whether_gateways_count_together(told: dict[str, Any], grade: str, words: str) -> None:
    with gateway_that_says(told) as stack:
        (found,) = await limits.examine(stack)  # type: ignore[arg-type]
    assert found.grade == grade
    assert words in found.told
    assert bool(found.repair) == (grade != "ok")


async def test_a_gateway_that_does_not_answer_is_told() -> None:
    (found,) = await limits.examine(Stack({"gateway": free_port()}))  # type: ignore[arg-type]
    assert found.grade == "FAIL"
