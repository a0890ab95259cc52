"""The tree of conditions: leaves compare a fact, groups join with AND or OR; at the top AND.

Every leaf is evaluated and keeps its result, so that people see what matched, what did not, and why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kernel.errors import FieldError

from pipeline_automation.domain.comparison import CODE_OF, compare
from pipeline_automation.domain.facts import Facts, Path, path_of

MOST_LEAVES = 50
DEEPEST = 3
LONGEST_SHOWN, MOST_SHOWN = 200, 20
"""Characters of a text, and elements of a list, that a result repeats."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison."""

    field: str
    path: Path
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Group:
    """Several conditions, joined by `AND` or `OR`."""

    logic: str
    conditions: tuple["Leaf | Group", ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an event matches, what each condition said, and why it could not be told (`error`)."""

    matched: bool
    conditions: Sequence[Mapping[str, Any]] = ()
    error: str | None = None


class Tree:
    """Reads the tree as people write it and collects what is wrong with it."""

    def __init__(self, trigger: str, pipeline_id: str | None) -> None:
        self._trigger = trigger
        self._pipeline_id = pipeline_id
        self._leaves = 0
        self.errors: list[FieldError] = []

    def read(self, conditions: Sequence[Mapping[str, Any]]) -> Group:
        """Return the conditions as one group; `errors` tells what is wrong, with pointers."""
        group = Group("AND", self._read_all(conditions, "/conditions", 1))
        if self._leaves > MOST_LEAVES:
            self.errors.append(FieldError("/conditions", "too_long", f"at most {MOST_LEAVES} conditions"))
        return group

    def _read_all(
        self, conditions: Sequence[Mapping[str, Any]], pointer: str, depth: int
    ) -> tuple["Leaf | Group", ...]:
        return tuple(self._read(each, f"{pointer}/{index}", depth) for index, each in enumerate(conditions))

    def _read(self, condition: Mapping[str, Any], pointer: str, depth: int) -> "Leaf | Group":
        if "logic" in condition or "conditions" in condition:
            return self._group(condition, pointer, depth)
        self._leaves += 1
        return self._leaf(condition, pointer)

    def _group(self, condition: Mapping[str, Any], pointer: str, depth: int) -> Group:
        for name in condition:
            if name not in ("logic", "conditions"):
                self._wrong(f"{pointer}/{name}", "unknown_field", "a group has logic and conditions")
        if depth > DEEPEST:
            self._wrong(pointer, "too_long", f"groups nest {DEEPEST} deep at most")
            return Group("AND", ())
        logic = condition.get("logic")
        if logic not in ("AND", "OR"):
            self._wrong(f"{pointer}/logic", "not_in_enum", "AND or OR expected")
        inner = condition.get("conditions") or ()
        if not inner:
            self._wrong(f"{pointer}/conditions", "missing", "a group holds conditions")
        return Group(str(logic), self._read_all(inner, f"{pointer}/conditions", depth + 1))

    def _leaf(self, condition: Mapping[str, Any], pointer: str) -> Leaf:
        for name in ("field", "operator", "value"):
            if condition.get(name) is None:
                self._wrong(f"{pointer}/{name}", "missing", "required")
        field, value = str(condition.get("field")), condition.get("value")
        path = path_of(field, self._trigger, self._pipeline_id)
        operator = CODE_OF.get(str(condition.get("operator")))
        if path is None and condition.get("field") is not None:
            self._wrong(f"{pointer}/field", "not_found", "there is no such field for this trigger")
        if operator is None and condition.get("operator") is not None:
            self._wrong(f"{pointer}/operator", "not_in_enum", f"one of {', '.join(CODE_OF)}")
        if operator == "in" and not isinstance(value, list):
            self._wrong(f"{pointer}/value", "wrong_type", "a list expected")
        elif operator not in ("in", "eq", "ne") and isinstance(value, list):
            self._wrong(f"{pointer}/value", "wrong_type", "one value expected")
        return Leaf(field, path or (), operator or "", value)

    def _wrong(self, pointer: str, code: str, words: str) -> None:
        self.errors.append(FieldError(pointer, code, words))


def evaluate(tree: Group, facts: Facts) -> Verdict:
    """Return whether the facts match the tree, with the result of every condition."""
    results = [_evaluate(each, facts) for each in tree.conditions]
    return Verdict(_joined(tree.logic, results), results)


def _evaluate(condition: Leaf | Group, facts: Facts) -> dict[str, Any]:
    if isinstance(condition, Group):
        results = [_evaluate(each, facts) for each in condition.conditions]
        return {"logic": condition.logic, "result": _joined(condition.logic, results), "conditions": results}
    actual = facts.read(condition.path)
    holds, note = compare(condition.operator, actual, condition.value)
    result = {
        "field": condition.field,
        "operator": condition.operator,
        "value": shown(condition.value),
        "actual": shown(actual),
        "result": holds,
    }
    return result if note is None else {**result, "note": note}


def _joined(logic: str, results: Sequence[Mapping[str, Any]]) -> bool:
    holds = (each["result"] for each in results)
    return any(holds) if logic == "OR" else all(holds)


def shown(actual: Any) -> Any:
    """Return a value as a result repeats it: short, and as JSON knows it."""
    if isinstance(actual, datetime):
        return actual.isoformat()
    if isinstance(actual, str):
        return actual[:LONGEST_SHOWN]
    if isinstance(actual, list | tuple):
        return [shown(each) for each in actual[:MOST_SHOWN]]
    return actual


def leaves(condition: Leaf | Group) -> Sequence[Leaf]:
    """Return all comparisons below a condition."""
    if isinstance(condition, Leaf):
        return (condition,)
    return [leaf for each in condition.conditions for leaf in leaves(each)]
