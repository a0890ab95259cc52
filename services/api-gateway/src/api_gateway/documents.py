"""The product's document and the page that shows it: everything is ours, nothing is loaded from anywhere else."""

import json
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
KEPT = {"Cache-Control": "public, max-age=300"}
TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}

Page = Callable[[Request], Awaitable[Response]]


def pages_of(document: Mapping[str, Any], base_url: str) -> dict[str, Page]:
    """Return what is served, by path: the document, its page with script and style, and their older addresses."""
    published = json.dumps({**document, "servers": [{"url": base_url}]}, ensure_ascii=False).encode()
    page, script, style = (_asset(name) for name in ("docs.html", "docs.js", "docs.css"))

    async def openapi(_: Request) -> Response:
        return Response(published, media_type="application/json")

    return {
        "/openapi.json": openapi,
        "/docs": page,
        "/docs/docs.js": script,
        "/docs/docs.css": style,
        "/swagger": page,
        "/swagger/doc.json": openapi,
        "/swagger/index.html": page,
        "/swagger/openapi.json": openapi,
    }


def _asset(name: str) -> Page:
    content = (resources.files("api_gateway") / "pages" / name).read_bytes()
    headers = {**KEPT, "Content-Security-Policy": PAGE_POLICY, "Content-Type": TYPES[name.rpartition(".")[2]]}

    async def answer(_: Request) -> Response:
        return Response(content, headers=headers)

    return answer
