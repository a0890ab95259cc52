"""A pipeline: the statuses through which contacts move, in their order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.errors import DomainError, FieldError

COLOR = "#3B82F6"
STATUS_TYPES = ("open", "active", "won", "lost")
MOST_STATUSES = 100

PORTUGUESE = ("Pipeline Principal", ("Novo", "Em atendimento", "Ganho", "Perdido"))
ENGLISH = ("Main pipeline", ("New", "In progress", "Won", "Lost"))


def starting_names(language: str) -> tuple[str, tuple[str, ...]]:
    """Return the names of a project's first pipeline and of the statuses that a pipeline starts with, one per type."""
    return ENGLISH if language.lower().partition("-")[0] == "en" else PORTUGUESE


def name_key(name: str) -> str:
    """Return what makes two names the same."""
    return name.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One stage. `position` counts from 0 without gaps."""

    id: str
    name: str
    status_type: str
    description: str | None = None
    color: str = COLOR
    position: int = 0
    active: bool = True
    version: int = 1

    @property
    def takes_new_contacts(self) -> bool:
        """Tell whether somebody new may start here."""
        return self.active and self.status_type == "open"

    def differences(self, before: "Status") -> tuple[str, ...]:
        """Return the names of the fields in which this differs."""
        names = ("name", "status_type", "description", "color", "position", "active")
        return tuple(name for name in names if getattr(self, name) != getattr(before, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline with its statuses in order."""

    tenant_id: str
    project_id: str
    id: str
    name: str
    description: str | None = None
    color: str = COLOR
    position: int = 0
    active: bool = True
    is_default: bool = False
    session_timeout_minutes: int | None = None
    enable_ai_summary: bool = False
    version: int = 1
    statuses: tuple[Status, ...] = field(default=())

    def differences(self, before: "Pipeline") -> tuple[str, ...]:
        """Return the names of the pipeline's own fields in which this differs."""
        names = (
            "name",
            "description",
            "color",
            "position",
            "active",
            "session_timeout_minutes",
            "enable_ai_summary",
        )
        return tuple(name for name in names if getattr(self, name) != getattr(before, name))

    def changed_by(self, given: Mapping[str, Any]) -> "Pipeline":
        """Return the pipeline with other details; raise rule_violated where it could take nobody in."""
        return replace(self, **given).sound("/active")

    def status(self, status_id: str) -> Status:
        """Return one of its statuses; raise not_found."""
        for status in self.statuses:
            if status.id == status_id:
                return status
        raise DomainError("not_found", "the pipeline has no such status")

    def with_status(self, status: Status, position: int | None, pointer: str = "/name") -> "Pipeline":
        """Return the pipeline with one more status, at the end unless `position` says where.

        `pointer` names the field to blame where the name is taken.
        """
        if len(self.statuses) >= MOST_STATUSES:
            raise DomainError("too_many", f"a pipeline has at most {MOST_STATUSES} statuses")
        self._refuse_same_name(status, pointer)
        return self._in_order(_inserted(self.statuses, status, position))

    def with_changed_status(self, status_id: str, given: Mapping[str, Any]) -> "Pipeline":
        """Return the pipeline with a status changed, and moved where `given` names a position."""
        given = dict(given)
        position = given.pop("position", None)
        before = self.status(status_id)
        after = replace(before, **given)
        self._refuse_same_name(after, "/name")
        if position is None:
            statuses = tuple(after if each is before else each for each in self.statuses)
        else:
            statuses = _inserted([each for each in self.statuses if each is not before], after, position)
        return self._in_order(statuses).sound("/active" if not after.active else "/status_type")

    def without_status(self, status_id: str) -> "Pipeline":
        """Return the pipeline without a status; raise rule_violated for the last that takes new contacts."""
        gone = self.status(status_id)
        return self._in_order([each for each in self.statuses if each is not gone]).sound("")

    def reordered(self, status_ids: Sequence[str]) -> "Pipeline":
        """Return the pipeline with its statuses in another order, each named once."""
        if sorted(status_ids) != sorted(each.id for each in self.statuses):
            problem = FieldError("/status_ids", "not_allowed", "all statuses of the pipeline expected, each once")
            raise DomainError("validation_failed", "1 field needs attention", fields=(problem,))
        return self._in_order([self.status(status_id) for status_id in status_ids])

    def sound(self, pointer: str) -> "Pipeline":
        """Return the pipeline itself; raise rule_violated where it is active and no status takes new contacts.

        `pointer` names the field to blame, empty where there is none.
        """
        if self.active and not any(status.takes_new_contacts for status in self.statuses):
            words = "an active pipeline needs an active status of type open"
            blamed = (FieldError(pointer, "not_allowed", words),) if pointer else ()
            raise DomainError("rule_violated", words, fields=blamed, rule="pipeline_needs_open_status")
        return self

    def _in_order(self, statuses: Sequence[Status]) -> "Pipeline":
        return replace(self, statuses=tuple(replace(each, position=at) for at, each in enumerate(statuses)))

    def _refuse_same_name(self, status: Status, pointer: str) -> None:
        for other in self.statuses:
            if other.id != status.id and name_key(other.name) == name_key(status.name):
                problem = FieldError(pointer, "not_unique", "another status of the pipeline is called that")
                raise DomainError(
                    "already_exists", "another status has that name", fields=(problem,), existing_id=other.id
                )


def starting_statuses(names: Sequence[str], new_id: Callable[[], str]) -> tuple[Status, ...]:
    """Return the statuses of a new pipeline for which nobody named any: one per type."""
    return tuple(
        Status(id=new_id(), name=name, status_type=status_type, position=position)
        for position, (name, status_type) in enumerate(zip(names, STATUS_TYPES, strict=True))
    )


def free_name(wanted: str, taken: frozenset[str]) -> str:
    """Return `wanted`, with a number where its key is among `taken`."""
    number, name = 1, wanted
    while name_key(name) in taken:
        number += 1
        name = f"{wanted} {number}"
    return name


def _inserted(statuses: Sequence[Status], status: Status, position: int | None) -> tuple[Status, ...]:
    place = len(statuses) if position is None else position
    return (*statuses[:place], status, *statuses[place:])


def arranged(pipelines: Sequence[Pipeline], pipeline: Pipeline, position: int | None) -> list[Pipeline]:
    """Return the pipelines of a project with one of them, new or not, at `position` (None: where it is, new ones last).

    Positions count from 0 without gaps.
    """
    others = [each for each in pipelines if each.id != pipeline.id]
    if position is None:
        position = pipeline.position if len(others) < len(pipelines) else len(others)
    return in_order([*others[:position], pipeline, *others[position:]])


def in_order(pipelines: Sequence[Pipeline]) -> list[Pipeline]:
    """Return the pipelines with positions as they stand."""
    return [replace(each, position=at) for at, each in enumerate(pipelines)]


def refuse_taken_name(name: str, own_id: str, pipelines: Sequence[Pipeline]) -> None:
    """Raise already_exists where another pipeline of the project is called that."""
    for other in pipelines:
        if other.id != own_id and name_key(other.name) == name_key(name):
            problem = FieldError("/name", "not_unique", "another pipeline of the project is called that")
            raise DomainError(
                "already_exists", "another pipeline has that name", fields=(problem,), existing_id=other.id
            )
