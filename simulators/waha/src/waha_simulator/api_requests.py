"""WAHA's API as requests, routes and replies, without a framework: its calls are most of what a line of sends asks of us."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import parse_qsl

E = TypeVar("E")

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


@dataclass
class ApiRequest:
    """One request that was read whole. Header names are in lower case; `path` is decoded, `raw_query` is not."""

    method: str
    path: str
    path_params: Mapping[str, str]
    raw_query: bytes
    headers: Mapping[str, str]
    body: bytes
    peer_port: int

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; of several of one name the last."""
        return dict(parse_qsl(self.raw_query.decode("latin-1"), keep_blank_values=True)) if self.raw_query else {}


class ApiRoute(NamedTuple, Generic[E]):
    """Where something is answered; `path` may have `{names}`."""

    method: str
    path: str
    endpoint: E


class ApiRoutes(Generic[E]):
    """All routes, found by method and path."""

    def __init__(self) -> None:
        self._plain: dict[tuple[str, str], E] = {}
        self._patterns: list[tuple[str, re.Pattern[str], E]] = []

    def add(self, route: ApiRoute[E]) -> None:
        if "{" not in route.path:
            self._plain[route.method, route.path] = route.endpoint
            return
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(route.path))
        self._patterns.append((route.method, re.compile(pattern), route.endpoint))

    def find(self, method: str, path: str) -> tuple[E, Mapping[str, str]] | None:
        """The endpoint and what the path names; a HEAD goes where the GET would."""
        method = "GET" if method == "HEAD" else method
        if (plain := self._plain.get((method, path))) is not None:
            return plain, {}
        for its_method, pattern, endpoint in self._patterns:
            if its_method == method and (found := pattern.fullmatch(path)):
                return endpoint, found.groupdict()
        return None


@dataclass
class Answer:
    """Status and body; `body` bytes go out as they are, with `media_type`; None is an empty body of a 201, else null."""

    status: int
    body: Any = None
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def on_the_wire(self, more: bytes = b"", *, with_body: bool = True) -> tuple[bytes, bytes]:
        """Head and body; `more` are header lines of the connection."""
        empty = self.body is None and self.status == 201
        body = self.body if isinstance(self.body, bytes) else b"" if empty else _encode(self.body).encode()
        lines = [_STATUS_LINES.get(self.status) or b"HTTP/1.1 %d \r\n" % self.status]
        lines += [f"{name}: {value}\r\n".encode("latin-1") for name, value in self.headers.items()]
        lines += [more, b"content-length: %d\r\n" % len(body)]
        if not empty:
            lines.append(b"content-type: %b\r\n" % self.media_type.encode())
        return b"".join([*lines, b"\r\n"]), body if with_body else b""
