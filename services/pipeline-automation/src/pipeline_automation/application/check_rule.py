"""Refuse a rule that could not run: before it is stored, not when the first message comes."""

from collections.abc import Iterator, Mapping
from typing import Any

from kernel.errors import FieldError

from pipeline_automation.application.work import Work
from pipeline_automation.domain.conditions import Leaf, Tree, leaves
from pipeline_automation.domain.expression_text import LONGEST, Flaw, position_at
from pipeline_automation.domain.rule import Rule
from pipeline_automation.domain.rule_checks import Problem, check, refuse

Reference = tuple[str, str, str]
"""Kind (pipelines, statuses, channels), id, pointer."""


async def check_rule(rule: Rule, tenant_id: str, project_id: str, work: Work) -> None:
    """Raise validation_failed for a wrong shape, rule_violated for what cannot be; both point at the field.

    What is wrong in an expression or a template comes with its `position`: line and column from 1, offset from 0.
    """
    problems = check(rule)
    refuse(problems)
    refuse([*_check_texts(rule, work), *await _check_references(rule, tenant_id, project_id, work)])


def _check_texts(rule: Rule, work: Work) -> Iterator[Problem]:
    if rule.expression is not None:
        if len(rule.expression) > LONGEST:
            yield Problem(FieldError("/expression", "too_long", f"at most {LONGEST} characters"))
        elif flaw := work.automation.expressions.flaw_of(rule.expression, rule.trigger):
            yield _flawed("/expression", "expression_does_not_compile", rule.expression, flaw)
    for index, action in enumerate(rule.actions):
        content = action.parameters.get("content")
        if action.action == "send_message" and isinstance(content, str):
            flaw = work.automation.templates.flaw_of(content, rule.trigger)
            if flaw:
                yield _flawed(f"/actions/{index}/parameters/content", "template_does_not_parse", content, flaw)


def _flawed(pointer: str, rule: str, text: str, flaw: Flaw) -> Problem:
    at = position_at(text, min(flaw.offset, len(text)))
    words = f"line {at.line}, column {at.column}: {flaw.words}"
    position = {"pointer": pointer, "line": at.line, "column": at.column, "offset": at.offset}
    return Problem(FieldError(pointer, "bad_format", words), rule, {"position": position})


async def _check_references(rule: Rule, tenant_id: str, project_id: str, work: Work) -> list[Problem]:
    references = list(_references(rule))
    if not references:
        return []
    existing = await work.automation.rules.existing(
        tenant_id,
        project_id,
        **{kind: {id for of, id, _ in references if of == kind} for kind in ("pipelines", "statuses", "channels")},
    )
    problems = [
        Problem(FieldError(pointer, "not_found", f"there is no such {_ONE[kind]} in the project"), "unknown_reference")
        for kind, id, pointer in references
        if (kind, id) not in existing
    ]
    return problems or list(_check_statuses(rule, existing))


_ONE = {"pipelines": "pipeline", "statuses": "status", "channels": "channel"}
_KINDS = {
    "pipeline_id": "pipelines",
    "status_id": "statuses",
    "old_status_id": "statuses",
    "new_status_id": "statuses",
    "channel_id": "channels",
}
"""What ids refer to, by the names of fields."""


def _references(rule: Rule) -> Iterator[Reference]:
    if rule.pipeline_id is not None:
        yield "pipelines", rule.pipeline_id, "/pipeline_id"
    yield from _named(rule.trigger_filter, "/trigger_filter")
    for index, action in enumerate(rule.actions):
        yield from _named(action.parameters, f"/actions/{index}/parameters")
    for leaf in leaves(Tree(rule.trigger, rule.pipeline_id).read(rule.conditions)):
        yield from _named_by(leaf)


def _named(fields: Mapping[str, Any], pointer: str) -> Iterator[Reference]:
    for name, value in fields.items():
        if name in _KINDS and value is not None:
            for id in value if isinstance(value, list) else [value]:
                yield _KINDS[name], id, f"{pointer}/{name}"


def _named_by(leaf: Leaf) -> Iterator[Reference]:
    if leaf.path[:2] == ("contact", "pipeline"):
        yield "pipelines", leaf.path[2], "/conditions"


def _check_statuses(rule: Rule, existing: Mapping[tuple[str, str], str | None]) -> Iterator[Problem]:
    for index, action in enumerate(rule.actions):
        wanted, status_id = action.parameters.get("pipeline_id"), action.parameters.get("status_id")
        if wanted is not None and status_id is not None and existing["statuses", status_id] != wanted:
            pointer = f"/actions/{index}/parameters/status_id"
            yield Problem(
                FieldError(pointer, "not_allowed", "a status of that pipeline expected"), "status_of_pipeline"
            )
