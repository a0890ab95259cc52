"""Versions as ETags: `"7"` on single objects, `If-None-Match` on reads, `If-Match` on changes."""

import re
from typing import Annotated

from fastapi import Depends, Header
from kernel.errors import DomainError, FieldError
from starlette.requests import Request
from starlette.responses import Response

from web.exchange import Exchange

_ETAG = re.compile(r'"(\d{1,18})"')


async def if_match(
    value: Annotated[str | None, Header(alias="If-Match", description='`"<version>"`')] = None,
) -> int | None:
    """Return the version that the caller expects, None where any will do. A dependency."""
    if value is None or value.strip() == "*":
        return None
    found = _ETAG.fullmatch(value.strip())
    if found is None:
        field = FieldError("#If-Match", "bad_format", 'one version in quotes expected, like "7"')
        raise DomainError("validation_failed", "1 field needs attention", fields=(field,))
    return int(found[1])


IfMatch = Annotated[int | None, Depends(if_match)]


def check_version(expected: int | None, present: int) -> None:
    """Raise version_conflict with the present version unless it is the expected one (or none is expected)."""
    if expected is not None and expected != present:
        raise DomainError("version_conflict", "it has changed meanwhile", current_version=present)


def put_etag(request: Request, exchange: Exchange, response: Response) -> Response:
    """Put the answer's version on it; return 304 where the caller has that version already."""
    if exchange.version is None or not 200 <= response.status_code < 300:
        return response
    etag = f'"{exchange.version}"'
    if request.method == "GET" and _has(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return response


def _has(sent: str | None, etag: str) -> bool:
    if sent is None:
        return False
    return sent.strip() == "*" or etag in [each.strip().removeprefix("W/") for each in sent.split(",")]
