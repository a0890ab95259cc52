"""Who says and who hears which event, read from the services' source without importing it.

A subscription is a file `services/<service>/src/*/entrypoints/events/on_<aggregate>_<event>.py` whose constant `HEARS`
names a contract class; `TRANSIENT = True` marks one that lives only while its process does. `on_any_public_event.py` HEARS
EveryPublicEvent: all types that are offered to the world outside, in queues that they share. Whoever uses a contract
class as a value outside of `entrypoints/events` says that event; what libs/web says, every service says.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.public import EveryPublicEvent, public_events
from contracts.registry import payloads

SERVICES = "services"
SPOKEN_BY_ALL = Path("libs/web/src/web/auditing.py")
"""What it says is said by every service that serves routes."""
EVERY_SERVICE = "every-service"
EVERY_PUBLIC_EVENT = "any_public_event"
"""The consumer of all of them."""


class ChoreographyError(Exception):
    """The source says something that cannot become a topology; the message names the file and what to do."""


@dataclass(frozen=True, order=True)
class Subscription:
    """One `on_*.py` file, or of that which hears every public event what it says of one type."""

    service: str
    consumer: str
    type: str
    transient: bool

    @property
    def name(self) -> str:
        """Return how queues, topology and catalogue call it."""
        return f"{self.service}.{self.consumer}"


@dataclass(frozen=True)
class Choreography:
    """All of it."""

    subscriptions: tuple[Subscription, ...]
    speakers: dict[str, tuple[str, ...]]

    def heard_by(self, event_type: str, *, transient: bool) -> list[str]:
        """Return the names of those who hear the type durably, or in passing."""
        return [one.name for one in self.subscriptions if one.type == event_type and one.transient is transient]

    def problems(self) -> list[str]:
        """Return what is wrong between the parts: events that are heard but said by nobody, or said by two."""
        heard = {one.type: one.name for one in reversed(self.subscriptions) if one.consumer != EVERY_PUBLIC_EVENT}
        return [
            f"{event_type} is heard by {name} and said by nobody"
            for event_type, name in sorted(heard.items())
            if event_type not in self.speakers
        ] + [
            f"{event_type} is said by {' and '.join(services)}: one service owns an event"
            for event_type, services in sorted(self.speakers.items())
            if len(services) > 1
        ]


def read_choreography(root: Path) -> Choreography:
    """Return what the services under `root` say and hear; raise ChoreographyError where a file cannot be understood."""
    subscriptions: list[Subscription] = []
    speakers: dict[str, set[str]] = {}
    for service in sorted(path for path in (root / SERVICES).glob("*") if (path / "src").is_dir()):
        for file in sorted(service.glob("src/*/**/*.py")):
            inside = file.relative_to(service / "src").parts[1:-1]
            if inside == ("entrypoints", "events"):
                if file.name.startswith("on_"):
                    subscriptions += _subscriptions(service.name, file)
            else:
                for event_type in _said_in(file):
                    speakers.setdefault(event_type, set()).add(service.name)
    if (root / SPOKEN_BY_ALL).is_file():
        for event_type in _said_in(root / SPOKEN_BY_ALL):
            speakers.setdefault(event_type, set()).add(EVERY_SERVICE)
    return Choreography(tuple(sorted(subscriptions)), {type_: tuple(sorted(who)) for type_, who in speakers.items()})


def _subscriptions(service: str, file: Path) -> list[Subscription]:
    tree = _parse(file)
    constants = dict(_constants(tree))
    heard = constants.get("HEARS")
    if not isinstance(heard, ast.Name):
        raise ChoreographyError(f"{file}: needs a constant HEARS = <class of a contract>")
    if heard.id == EveryPublicEvent.__name__:
        if file.stem != f"on_{EVERY_PUBLIC_EVENT}":
            raise ChoreographyError(f"{file}: hears every public event, so it is called on_{EVERY_PUBLIC_EVENT}.py")
        return [
            Subscription(service, EVERY_PUBLIC_EVENT, event_type, transient=False) for event_type in public_events()
        ]
    event_type = _contract_classes(tree, file).get(heard.id)
    if event_type is None:
        raise ChoreographyError(f"{file}: HEARS names {heard.id}, which is not imported from contracts")
    name, _, version = event_type.rpartition(".v")
    consumer = name.replace(".", "_")
    if file.stem not in (f"on_{consumer}", f"on_{consumer}_v{version}"):
        raise ChoreographyError(f"{file}: hears {event_type}, so it is called on_{consumer}.py")
    transient = constants.get("TRANSIENT")
    passing = isinstance(transient, ast.Constant) and transient.value is True
    return [Subscription(service, file.stem.removeprefix("on_"), event_type, transient=passing)]


def _said_in(file: Path) -> set[str]:
    tree = _parse(file)
    classes = _contract_classes(tree, file)
    if not classes:
        return set()
    annotations = {id(inner) for node in ast.walk(tree) for outer in _annotations(node) for inner in ast.walk(outer)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in annotations}
    return {event_type for name, event_type in classes.items() if name in used}


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    for name in ("annotation", "returns"):
        annotation = getattr(node, name, None)
        if isinstance(annotation, ast.expr):
            yield annotation


def _contract_classes(tree: ast.Module, file: Path) -> dict[str, str]:
    """Return the wire names of the event classes that a file imports, by the names it gives them."""
    known = {(payload.__module__, payload.__name__): event_type for event_type, payload in payloads().items()}
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "contracts":
            for alias in node.names:
                event_type = known.get((node.module, alias.name))
                if event_type is not None:
                    found[alias.asname or alias.name] = event_type
                elif node.module.rpartition("_v")[2].isdigit():
                    raise ChoreographyError(f"{file}: there is no event class {alias.name} in {node.module}")
    return found


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
