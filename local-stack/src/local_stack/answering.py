"""Asking a process over HTTP, with nothing but the standard library."""

import http.client
import json
import urllib.parse
from typing import Any


def answers_ready(url: str, timeout: float = 3.0) -> bool:
    """Whether GET answers 200, which healthy and degraded processes do."""
    return ask("GET", url, timeout=timeout) is not None


def ask(method: str, url: str, body: Any = None, *, timeout: float = 3.0) -> bytes | None:
    """Return what is answered with 200; None for every other answer, and where nobody answers."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, parts.path, content, {"content-type": "application/json"} if content else {})
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
