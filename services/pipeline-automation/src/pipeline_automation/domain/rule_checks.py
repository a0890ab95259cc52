"""What is wrong with a rule, as far as the rule alone tells. What it refers to is looked up elsewhere."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.errors import DomainError, FieldError

from pipeline_automation.domain.actions import ACTIONS, LATER, Action, Parameter
from pipeline_automation.domain.conditions import Tree
from pipeline_automation.domain.rule import LATER_TYPES, Rule
from pipeline_automation.domain.triggers import TRIGGERS

MOST_FILTERED = 50
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHAPE_CODES = frozenset(
    ("missing", "unknown_field", "wrong_type", "too_short", "too_long", "out_of_range", "not_in_enum", "bad_format")
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `rule` names the business rule that refuses it; None where the shape is wrong."""

    field: FieldError
    rule: str | None = None
    facts: Mapping[str, Any] | None = None


def refuse(problems: Sequence[Problem]) -> None:
    """Raise validation_failed (400) where a shape is wrong, rule_violated (422) where only rules are broken."""
    shapes = [problem for problem in problems if problem.rule is None]
    told = shapes or problems
    if not told:
        return
    fields = tuple(problem.field for problem in told)
    words = "1 field needs attention" if len(fields) == 1 else f"{len(fields)} fields need attention"
    if shapes:
        raise DomainError("validation_failed", words, fields=fields)
    facts = {name: value for problem in told for name, value in (problem.facts or {}).items()}
    raise DomainError("rule_violated", words, fields=fields, rule=told[0].rule, **facts)


def check(rule: Rule) -> list[Problem]:
    """Return everything that is wrong with a rule by itself; expressions and templates are compiled elsewhere."""
    problems = [*_check_type(rule), *_check_trigger(rule)]
    if rule.expression is not None and rule.conditions:
        problems.append(_broken("/expression", "conditions_or_expression", "conditions or an expression, not both"))
    if rule.trigger in TRIGGERS:
        problems += _check_filter(rule)
        tree = Tree(rule.trigger, rule.pipeline_id)
        tree.read(rule.conditions)
        problems += [
            Problem(error, None if error.code in _SHAPE_CODES else "unknown_condition_field") for error in tree.errors
        ]
    for index, action in enumerate(rule.actions):
        problems += _check_action(action, f"/actions/{index}")
    return problems


def _broken(pointer: str, rule: str, words: str) -> Problem:
    return Problem(FieldError(pointer, "not_allowed", words), rule)


def _check_type(rule: Rule) -> Iterator[Problem]:
    if rule.automation_type in LATER_TYPES:
        yield _broken("/automation_type", "type_not_available", "rules of that type are not available yet")
    elif rule.bound and rule.pipeline_id is None:
        yield _broken("/pipeline_id", "pipeline_required", f"{rule.automation_type} rules belong to a pipeline")


def _check_trigger(rule: Rule) -> Iterator[Problem]:
    if rule.trigger not in TRIGGERS:
        words = f"there is no such trigger; there are {', '.join(TRIGGERS)}"
        yield Problem(FieldError("/trigger", "not_found", words), "unknown_trigger")


def _check_filter(rule: Rule) -> Iterator[Problem]:
    known = TRIGGERS[rule.trigger].filters
    types = {**TRIGGERS[rule.trigger].parameters, "tag": "text"}
    for name, value in rule.trigger_filter.items():
        pointer = f"/trigger_filter/{name}"
        values = value if isinstance(value, list) else [value]
        if name not in known:
            yield Problem(FieldError(pointer, "unknown_field", f"this trigger is filtered by {', '.join(known)}"))
        elif not values or len(values) > MOST_FILTERED:
            yield Problem(FieldError(pointer, "out_of_range", f"1 to {MOST_FILTERED} values"))
        elif not all(fits(each, types[name]) for each in values):
            yield Problem(FieldError(pointer, "wrong_type", f"{types[name]} expected"))


def _check_action(action: Action, pointer: str) -> Iterator[Problem]:
    kind = ACTIONS.get(action.action)
    if kind is None:
        if action.action in LATER:
            yield _broken(f"{pointer}/action", "action_not_available", "that action is not available yet")
        else:
            words = f"there is no such action; there are {', '.join(ACTIONS)}"
            yield Problem(FieldError(f"{pointer}/action", "not_found", words), "unknown_action")
        return
    for name in action.parameters:
        if name not in kind.parameters:
            words = f"{action.action} takes {', '.join(kind.parameters)}"
            yield Problem(FieldError(f"{pointer}/parameters/{name}", "unknown_field", words))
    for name, parameter in kind.parameters.items():
        problem = _check_parameter(action.parameters.get(name), parameter, f"{pointer}/parameters/{name}")
        if problem is not None:
            yield Problem(problem)


def _check_parameter(value: Any, parameter: Parameter, pointer: str) -> FieldError | None:
    if value is None:
        return FieldError(pointer, "missing", "required") if parameter.required else None
    if not fits(value, "id" if parameter.type == "id" else "text"):
        return FieldError(pointer, "wrong_type", "an id expected" if parameter.type == "id" else "text expected")
    if not value.strip():
        return FieldError(pointer, "too_short", "not blank")
    if len(value) > parameter.most:
        return FieldError(pointer, "too_long", f"at most {parameter.most} characters")
    return None


def fits(value: Any, kind: str) -> bool:
    """Tell whether a value is of a kind: text, id, number or boolean."""
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "id":
        return isinstance(value, str) and _ID.fullmatch(value) is not None
    return isinstance(value, str)
