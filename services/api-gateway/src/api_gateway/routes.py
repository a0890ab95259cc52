"""From method and path to an operation: a tree of path segments, so that a look-up does not grow with the table.

A literal segment goes before a parameter: `/crm/contacts/advanced` is not the contact called "advanced".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from api_gateway.operations import DocumentError, Operation
from api_gateway.synonyms import Synonym, synonyms_of

MOST_SEGMENTS = 16


@dataclass(frozen=True, slots=True)
class Route:
    """An operation under one of its addresses; `synonym` is None under the canonical one."""

    operation: Operation
    path: str
    synonym: Synonym | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """What a path leads to. `parameters` are as they were sent, still percent-encoded."""

    methods: Mapping[str, Route]
    parameters: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    literals: "dict[str, _Node]" = field(default_factory=dict)
    parameter: "_Node | None" = None
    methods: dict[str, Route] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)


class RoutingTable:
    """Every address that the gateway knows."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        self.routes: list[Route] = []
        canonical = list(operations)
        for operation in canonical:
            self._add(Route(operation, operation.path))
        for method, path, operation, synonym in synonyms_of(canonical):
            self._add(Route(operation, path, synonym), method)

    def find(self, raw_path: str) -> Match | None:
        """Return what `raw_path` (percent-encoded, without query) leads to, whatever the method; None for nothing."""
        segments = raw_path.split("/")[1:]
        if len(segments) > MOST_SEGMENTS:
            return None
        found: list[str] = []
        node = _walk(self._root, segments, 0, found)
        if node is None or any(_could_be_another_path(value) for value in found):
            return None
        names = next(iter(node.names.values()))
        return Match(node.methods, dict(zip(names, found, strict=True)))

    def _add(self, route: Route, method: str | None = None) -> None:
        method = method or route.operation.method
        node = self._root
        names = []
        for segment in route.path.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        if method in node.methods:
            raise DocumentError(f"{method} {route.path} leads to two operations")
        if node.names and tuple(names) not in node.names.values():
            raise DocumentError(f"{method} {route.path} names its parameters otherwise than the other methods do")
        node.methods[method] = route
        node.names[method] = tuple(names)
        self.routes.append(route)


def _walk(node: _Node, segments: Sequence[str], depth: int, found: list[str]) -> _Node | None:
    if depth == len(segments):
        return node if node.methods else None
    literal = node.literals.get(segments[depth])
    if literal is not None and (end := _walk(literal, segments, depth + 1, found)) is not None:
        return end
    if node.parameter is None:
        return None
    found.append(segments[depth])
    end = _walk(node.parameter, segments, depth + 1, found)
    if end is None:
        found.pop()
    return end


def _could_be_another_path(segment: str) -> bool:
    # What a service decodes must be the one segment that was judged here.
    decoded = unquote_to_bytes(segment)
    return decoded in (b"", b".", b"..") or any(each in decoded for each in (b"/", b"\\", b"\0", b"%", b"?", b"#"))
