"""A server that answers as a test tells it, for what asks others."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Said:
    """One answer."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


Answer = Callable[[str, str, Mapping[str, str]], Said]
"""What is answered to a method, a path, and headers."""


@contextmanager
def answering(answer: Answer) -> Iterator[int]:
    """Serve on a port of loopback; give the port."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            said = answer(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            body = json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in {**said.headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = Thread(target=server.serve_forever, args=(0.02,))
        running.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            running.join()
