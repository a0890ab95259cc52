"""Reading JSON that strangers send: bounded, and refused where two readers could understand it differently."""

import json
import math
from typing import Any, NoReturn

from kernel.errors import DomainError, FieldError
from starlette.requests import Request

from web.problems import pointer_to

MOST_JSON_BYTES = 1024 * 1024
MOST_DEPTH = 32
MOST_DISCARDED_BYTES = 8 * 1024 * 1024
"""How much more of a body that is too large is read and thrown away, so that its sender gets to read the refusal."""


class StrictRequest(Request):
    """A request whose body is read once, within its limit, and parsed strictly."""

    most_bytes = MOST_JSON_BYTES

    async def body(self) -> bytes:
        """Return the raw body; raise payload_too_large, whether or not a length was announced."""
        if not hasattr(self, "_body"):
            self._body = await read_within(self, self.most_bytes)
        return self._body

    async def json(self) -> Any:
        """Return the parsed body; raise malformed_json or validation_failed."""
        if not hasattr(self, "_json"):
            self._json = parse_strictly(await self.body())
        return self._json


async def read_within(request: Request, most_bytes: int) -> bytes:
    """Return the raw body of a request; raise payload_too_large if it exceeds `most_bytes`, announced or not."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdigit() else 0
    parts: list[bytes] = []
    read = 0
    if size <= most_bytes + MOST_DISCARDED_BYTES:
        async for part in request.stream():
            read += len(part)
            size = max(size, read)
            if size <= most_bytes:
                parts.append(part)
            elif read > most_bytes + MOST_DISCARDED_BYTES:
                break
    if size > most_bytes:
        raise DomainError("payload_too_large", f"at most {most_bytes} bytes are taken")
    return b"".join(parts)


def refuse_other_types(request: Request) -> None:
    """Raise unsupported_media_type unless the body is plain `application/json` in UTF-8."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise DomainError("unsupported_media_type", "compressed bodies are refused")
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise DomainError("unsupported_media_type", "application/json in UTF-8 expected")


def parse_strictly(raw: bytes) -> Any:
    """Return the value of a JSON text. No duplicate keys, NaN, infinities, NUL, lone surrogates, nor depth over 32."""
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
        )
    except _DuplicateKeyError as error:
        detail = "the same field twice"
        raise DomainError("malformed_json", detail, fields=(FieldError("", "not_unique", detail),)) from error
    except (ValueError, RecursionError) as error:
        raise DomainError("malformed_json", "the body is not JSON in UTF-8") from error
    # Only escapes can bring these characters, and only brackets depth: most bodies need no walk.
    if b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw or raw.count(b"[") + raw.count(b"{") > MOST_DEPTH:
        _walk(value, [])
    return value


class _DuplicateKeyError(Exception):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _DuplicateKeyError
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("out of range")
    return number


def _walk(value: Any, path: list[object]) -> None:
    if len(path) > MOST_DEPTH:
        raise DomainError("malformed_json", f"nested deeper than {MOST_DEPTH}")
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_text(key, path)
            _walk(each, [*path, key])
    elif isinstance(value, list):
        for index, each in enumerate(value):
            _walk(each, [*path, index])


def _check_text(text: str, path: list[object]) -> None:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        field = FieldError(pointer_to(path), "bad_format", "text without NUL and lone surrogates expected")
        raise DomainError("validation_failed", "1 field needs attention", fields=(field,))
