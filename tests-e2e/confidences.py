"""What the run told the product, and the product the run, in confidence: noted as it is said, so that logs can be searched for it.

What a field holds is private unless the field is named here. The shapes of secrets are searched for besides, whoever told them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qsl

import httpx
from mails import TOKEN

SHORTEST = 6  # what is shorter stands everywhere by chance

HARMLESS = frozenset(
    (
        *("id", "ids", "event", "status", "type", "role", "code", "codes", "title", "instance", "detail", "pointer"),
        *("action", "trigger", "automation_type", "content_type", "direction", "engine", "source", "reason", "metric"),
        *(
            "timezone",
            "country",
            "language",
            "currency",
            "color",
            "version",
            "service",
            "cursor",
            "next_cursor",
            "sort",
            "sortBy",
        ),
        *("permissions", "scopes", "prefix", "key_prefix", "session", "external_id", "methods", "paths", "include"),
        *("kind", "evidence", "end_reason", "step", "consumer", "month", "base_url"),
    )
)
"""Fields of ids, of our own words, and of settings: what may stand in a log. So may every field that ends in _id, _at or _type."""

SHAPES = {
    "an API key": re.compile(r"\bv[ko]_[0-9a-f]{8}_[0-9a-f]{64}"),
    "a token": re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}"),
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.(?:com|test|org|net|br)\b"),
    "a WhatsApp id": re.compile(r"\d{8,}@(?:c\.us|lid|s\.whatsapp\.net|g\.us)"),
    "a phone number": re.compile(r"(?<![\w.-])\+?55\d{10,11}(?![\w.-])"),
    "a password in an address": re.compile(r"(?<=://)[^\s/@:]+:[^\s/@*]+@"),
}
NOTHING_NEW = ("/openapi.json", "/health", "/ready", "/api/v1/crm/audit-log", "/api/v1/events/types")
"""Answers of what everybody is told, and of what was noted when it was told first."""

_UUID_OR_TIME = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|\+00:00)?)?", re.I
)


class Confidences:
    """What was told, and in which field."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self.fields: set[str] = set()  # in which something was told

    @property
    def hooks(self) -> dict[str, list[Any]]:
        """For an httpx client, whose every request and answer is then noted."""
        return {"request": [self._asked], "response": [self._answered]}

    def note(self, field: str, value: Any) -> None:
        """Note a value, and what is inside it, unless the field is a harmless one."""
        if isinstance(value, Mapping):
            for name, each in value.items():
                self.note(str(name), each)
        elif isinstance(value, list):
            for each in value:
                self.note(field, each)
        elif isinstance(value, str) and not is_harmless(field):
            for part in parts_of(value):
                self._told.setdefault(part, field)
                self.fields.add(field)

    def note_mails(self, letters: Iterable[EmailMessage]) -> None:
        """Note to whom mails went, and the tokens in them."""
        for letter in letters:
            self.note("to", str(letter["To"]))
            self.note("mailed token", TOKEN.findall(letter.get_content()))

    def found_in(self, log: str) -> list[str]:
        """Return what of all this a log holds: the field's name, or the shape, and the line."""
        found = [(field, log.find(part)) for part, field in self._told.items() if part in log]
        found += [(shape, match.start()) for shape, look in SHAPES.items() for match in look.finditer(log)]
        return [f"{what}: {_line_around(log, place)}" for what, place in found]

    async def _asked(self, request: httpx.Request) -> None:
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        self.note("credential", key)
        for name, value in parse_qsl(request.url.query.decode()):
            self.note(name, value)
        self._note_json(request.content, request.headers)

    async def _answered(self, response: httpx.Response) -> None:
        if not response.request.url.path.startswith(NOTHING_NEW):
            self._note_json(await response.aread(), response.headers)

    def _note_json(self, body: bytes, headers: httpx.Headers) -> None:
        if headers.get("content-type", "").startswith("application/json"):
            try:
                self.note("", json.loads(body))
            except ValueError:  # a test of what is no JSON
                self.note("body", body.decode(errors="replace"))


def is_harmless(field: str) -> bool:
    """Tell whether what stands in such a field may stand in a log too."""
    return field in HARMLESS or field.endswith(("_id", "_ids", "_at", "_type"))


def parts_of(value: str) -> Iterator[str]:
    """Give what of a value would tell it: itself, as it stands in JSON, its beginning, its long numbers without country."""
    if len(value) < SHORTEST or _UUID_OR_TIME.fullmatch(value):
        return
    start = value[:60]
    yield start
    yield json.dumps(start)[1:-1]
    yield json.dumps(start, ensure_ascii=False)[1:-1]
    for number in re.findall(r"(?<![0-9a-fA-F-])\d{10,15}(?![0-9a-fA-F-])", value):
        yield number[-9:]


def secrets_in(settings: Any) -> Iterable[str]:
    """Give every secret of an installation: passwords as they are, keys in PEM line by line."""
    if isinstance(settings, Mapping):
        for each in settings.values():
            yield from secrets_in(each)
    else:
        yield from (line for line in str(settings).splitlines() if len(line) > 20 and not line.startswith("-----"))


def _line_around(log: str, place: int) -> str:
    return log[log.rfind("\n", 0, place) + 1 :].partition("\n")[0][:400]
