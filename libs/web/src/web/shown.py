"""How the object of a write is shown: by the route that reads one such thing. What that answers before and after is what changed.

Found by the path of the write:

    PATCH  /crm/contacts/{contact_id}             is shown by GET at the same path,
    POST   /crm/contacts                          by GET /crm/contacts/{contact_id},
    PUT    /crm/contacts/{contact_id}/tags/{tag}  by the nearest GET above that shows one thing.

A write whose declaration names another type of object looks at its own path and below only, or has none.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import Parameter, get_annotations, signature
from typing import Any

from fastapi.params import Depends
from outbox.work import UnitOfWork

from web.bodies import Answer
from web.caller import Caller, the_caller, the_project
from web.paging import ListAnswer
from web.routes import DeclaredRoute, UndeclaredRouteError
from web.works import the_work

_FROM_THE_REQUEST: Mapping[Any, Callable[[UnitOfWork, Caller], Any]] = {
    the_work: lambda work, _: work,
    the_caller: lambda _, caller: caller,
    the_project: lambda _, caller: caller.project_id,
}


@dataclass(frozen=True)
class Shown:
    """`key` is the path's parameter that names the object, None where the caller does; `found` asks a request for the others."""

    answer: type[Answer]
    read: Callable[..., Awaitable[Any]]
    key: str | None
    by_path: tuple[str, ...]
    found: Mapping[str, Callable[[UnitOfWork, Caller], Any]]

    @property
    def object_type(self) -> str | None:
        """Return what the key is the id of."""
        return None if self.key is None else self.key.removesuffix("_id")

    def fields_of(self, answer: Answer) -> dict[str, Any]:
        """Return what the audit log may know of an answer: the fields on its class's closed list."""
        return answer.model_dump(mode="json", include=set(self.answer.audited or ()))


def shown_by(write: DeclaredRoute, reads: Iterable[DeclaredRoute]) -> Shown | None:
    """Return how the object of a write is shown, None where no route shows it."""
    if write.shown_by is not None:
        return _shown(write.shown_by)
    by_path = {each.path: each for each in reads if _answer_of(each.handler) is not None}
    places = [write.path] if write.path in by_path else []
    places += [
        path for path in by_path if path.startswith(f"{write.path}/{{") and path.count("/") == write.path.count("/") + 1
    ]
    if write.object_type is None:
        above = [path for path in by_path if path.endswith("}") and write.path.startswith(f"{path}/")]
        places += sorted(above, key=len, reverse=True)
    return _shown(by_path[places[0]].handler) if places else None


def _answer_of(read: Callable[..., Any]) -> type[Answer] | None:
    """Return the one thing that a read shows, None for lists and bare responses."""
    answer = get_annotations(read, eval_str=True).get("return")
    if not isinstance(answer, type) or not issubclass(answer, Answer) or issubclass(answer, ListAnswer):
        return None
    return answer


def _shown(read: Callable[..., Any]) -> Shown:
    answer = _answer_of(read)
    name = getattr(read, "__name__", "a read")
    if answer is None:
        raise UndeclaredRouteError(f"{name} does not say in its annotation which one thing it answers")
    if answer.audited is None or set(answer.audited) - set(answer.model_fields):
        raise UndeclaredRouteError(
            f"{answer.__name__} shows what a route writes: list in `audited` which of its fields the audit log may know"
        )
    hints = get_annotations(read, eval_str=True)
    by_path: list[str] = []
    found = {}
    for parameter in signature(read).parameters.values():
        if parameter.default is not Parameter.empty:
            continue
        depends = [each for each in getattr(hints[parameter.name], "__metadata__", ()) if isinstance(each, Depends)]
        if not depends:
            by_path.append(parameter.name)
        elif depends[0].dependency in _FROM_THE_REQUEST:
            found[parameter.name] = _FROM_THE_REQUEST[depends[0].dependency]
        else:
            raise UndeclaredRouteError(f"{name} cannot be read for the audit log: where does it get {parameter.name}?")
    return Shown(answer, read, by_path[-1] if by_path else None, tuple(by_path), found)
