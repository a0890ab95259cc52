"""Older addresses that go on working: one table (api.md, section 17), for those whose canonical address is served.

A synonym runs the same operation, and its answer names the canonical address. Only here are older query names read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from kernel.errors import DomainError, FieldError

from api_gateway.operations import Operation

ROOT = "/api/v1"
DEPRECATED_SINCE = "@1795219200"
"""RFC 9745: when the first release named the canonical addresses instead, 21 November 2026 00:00 UTC."""


@dataclass(frozen=True, slots=True)
class Synonym:
    """How an older address becomes the canonical one.

    `query` puts path parameters into the query, `must_match` says which path parameter a field of the answer must equal.
    `renamed`: query fields that it calls otherwise.
    `found_by_service`: only the service can tell the canonical address, so it gets the older one.
    """

    canonical: str
    query: tuple[tuple[str, str], ...] = ()
    must_match: tuple[str, str] | None = None
    found_by_service: bool = False
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    method: str
    older: str
    canonical_method: str
    canonical: str
    query: tuple[tuple[str, str], ...] = ()
    must_match: tuple[str, str] | None = None
    found_by_service: bool = False
    renamed: tuple[tuple[str, str], ...] = ()


def _get(older: str, canonical: str, **more: tuple[str, str]) -> _Entry:
    query, renamed = [(more[each],) if each in more else () for each in ("query", "renamed")]
    return _Entry("GET", older, "GET", canonical, query, more.get("must_match"), renamed=renamed)


TABLE: tuple[_Entry, ...] = (
    *(
        _get(f"/crm/{each}/advanced", f"/crm/{each}")
        for each in ("contacts", "sessions", "messages", "agents", "notes", "pipelines", "projects")
    ),
    _get("/crm/contacts/{contact_id}/sessions", "/crm/sessions", query=("contact_id", "contact_id")),
    _get(
        "/crm/contacts/{contact_id}/sessions/{session_id}",
        "/crm/sessions/{session_id}",
        must_match=("contact_id", "contact_id"),
    ),
    _get("/crm/sessions/{session_id}/messages", "/crm/messages", query=("session_id", "session_id")),
    _get("/crm/channels/{channel_id}/sessions", "/crm/sessions", query=("channel_id", "channel_id")),
    _get(
        "/crm/channels/{channel_id}/sessions/{session_id}",
        "/crm/sessions/{session_id}",
        must_match=("channel_id", "channel_id"),
    ),
    _get("/domain-events", "/events"),
    _get("/domain-events/by-type", "/events", renamed=("event_type", "types")),
    _get("/crm/contacts/{contact_id}/domain-events", "/events", query=("contact_id", "contact_id")),
    _get("/crm/sessions/{session_id}/domain-events", "/events", query=("session_id", "session_id")),
    _Entry("POST", "/crm/messages/send", "POST", "/crm/messages"),
    _Entry("POST", "/crm/channels/{channel_id}/activate-waha", "POST", "/crm/channels/{channel_id}/activate"),
    _Entry("POST", "/auth/api-key", "POST", "/auth/api-keys"),
    # The channel of that session name whose key verifies the signature.
    _Entry("POST", "/webhooks/waha", "POST", "/webhooks/{webhook_id}", found_by_service=True),
    _Entry("POST", "/webhooks/waha/{session}", "POST", "/webhooks/{webhook_id}", found_by_service=True),
)

PREFIXES = (("/contacts", "/crm/contacts"), ("/sessions", "/crm/sessions"))
"""Any method and suffix under the first is the same under the second."""

Found = tuple[str, str, Operation, Synonym]


def synonyms_of(operations: Sequence[Operation]) -> Iterator[Found]:
    """Yield method, older path, operation and synonym of everything in the table that leads to one of `operations`."""
    served = {(operation.method, operation.path): operation for operation in operations}
    found = [*_puts(served), *_listed(served)]
    yield from found
    everything = [*((operation.method, operation.path, operation, None) for operation in operations), *found]
    yield from _moved(everything)


def _puts(served: Mapping[tuple[str, str], Operation]) -> Iterator[Found]:
    for (method, path), operation in served.items():
        if method == "PATCH" and ("PUT", path) not in served:
            yield "PUT", path, operation, Synonym(path)


def _listed(served: Mapping[tuple[str, str], Operation]) -> Iterator[Found]:
    for entry in TABLE:
        canonical, names = _with_names_of(served, entry)
        if canonical is None:
            continue
        older = ROOT + entry.older
        for ours, theirs in names.items():
            older = older.replace(f"{{{ours}}}", f"{{{theirs}}}")
        if (entry.method, older) not in served:
            yield (
                entry.method,
                older,
                canonical,
                Synonym(canonical.path, entry.query, entry.must_match, entry.found_by_service, entry.renamed),
            )


def _with_names_of(
    served: Mapping[tuple[str, str], Operation], entry: _Entry
) -> tuple[Operation | None, Mapping[str, str]]:
    """Return the canonical operation, and what it calls the parameters that the table calls otherwise."""
    wanted = (ROOT + entry.canonical).split("/")
    for (method, path), operation in served.items():
        parts = path.split("/")
        if method != entry.canonical_method or len(parts) != len(wanted):
            continue
        pairs = list(zip(wanted, parts, strict=True))
        if all(a == b or (a.startswith("{") and b.startswith("{")) for a, b in pairs):
            return operation, {a[1:-1]: b[1:-1] for a, b in pairs if a != b}
    return None, {}


def _moved(routes: Iterable[tuple[str, str, Operation, Synonym | None]]) -> Iterator[Found]:
    for method, path, operation, synonym in routes:
        for older, canonical in PREFIXES:
            if path == ROOT + canonical or path.startswith(f"{ROOT}{canonical}/"):
                moved = ROOT + older + path.removeprefix(ROOT + canonical)
                yield method, moved, operation, synonym or Synonym(operation.path)


def canonical_target(synonym: Synonym, parameters: Mapping[str, str], query: str) -> tuple[str, str]:
    """Return path and query of the canonical address; raise validation_failed for an old page that is not the first."""
    path = synonym.canonical
    for name, value in parameters.items():
        path = path.replace(f"{{{name}}}", value)
    names = dict(synonym.renamed)
    pairs = [(names.get(name, name), value) for name, value in _renamed(parse_qsl(query, keep_blank_values=True))]
    taken = {name for name, _ in synonym.query}
    pairs = [(name, value) for name, value in pairs if name not in taken]
    pairs += [(name, parameters[parameter]) for name, parameter in synonym.query]
    return path, urlencode(pairs, quote_via=quote)


def headers_of(path: str, query: str) -> list[tuple[bytes, bytes]]:
    """Return the headers that tell where the operation lives now."""
    address = f"{path}?{query}" if query else path
    return [
        (b"deprecation", DEPRECATED_SINCE.encode()),
        (b"link", f'<{address}>; rel="canonical"'.encode("ascii", "ignore")),
    ]


def _renamed(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    sort_by = descending = ""
    for name, value in pairs:
        match name:
            case "page_size":
                yield "limit", value
            case "sort_by":
                sort_by = value
            case "sort_dir":
                descending = "-" if value.lower() == "desc" else ""
            case "page" | "offset":
                if value != ("1" if name == "page" else "0"):
                    detail = "only the first page is counted; go on with the cursor of the answer"
                    raise DomainError(
                        "validation_failed", detail, fields=(FieldError(f"?{name}", "not_allowed", detail),)
                    )
            case _:
                yield name, value
    if sort_by:
        yield "sort", descending + sort_by
