"""The enabled rules of projects, compiled, as this process remembers them.

Every change of a rule gives its project's rules another revision. The line asks for revisions, all projects of a batch at once, and
gets the rules along where they are others than it remembers: so a change counts from the next batch on, in every replica. In the
transaction that makes it (a rule that disables itself) it counts for whatever is looked at afterwards.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from pipeline_automation.domain.conditions import Tree, Verdict, evaluate, leaves
from pipeline_automation.domain.facts import Facts
from pipeline_automation.domain.heard import GROUP
from pipeline_automation.domain.rule import Rule, StoredRule

MOST_PROJECTS = 10_000

Project = tuple[str, str]
"""Tenant, project."""


class Expression(Protocol):
    """A compiled expression."""

    def evaluate(self, facts: Facts) -> Verdict:
        """Return whether the facts match."""


class Template(Protocol):
    """A parsed template."""

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the text; raise UnrenderableError."""


class Expressions(Protocol):
    """Compiles expressions."""

    def compile(self, expression: str) -> Expression:
        """Return the condition."""


class Templates(Protocol):
    """Parses templates."""

    def parse(self, template: str) -> Template:
        """Return the template."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule, ready to look at events. `templates` are those of its messages, by the index of the action."""

    stored: StoredRule
    condition: Callable[[Facts], Verdict]
    templates: Mapping[int, Template]
    in_groups: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The rules of a project as stored; `rules` is None where they are those of the revision that was asked with."""

    project: Project
    revision: str
    name: str | None
    zone: str | None
    rules: Sequence[StoredRule] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRules:
    """The compiled rules of a project by trigger, in the order in which they run."""

    name: str | None = None
    zone: str | None = None
    by_trigger: Mapping[str, Sequence[CompiledRule]] = field(default_factory=dict)


class RuleSets(Protocol):
    """Where rules are stored."""

    async def sets(self, known: Mapping[Project, str | None]) -> list[RuleSet]:
        """Return the rule sets of projects, in one statement; `known` are the revisions that are remembered."""


Remembered = tuple[str | None, Mapping[str, Sequence[CompiledRule]]]
"""A revision, and its rules by trigger."""
NOTHING: Remembered = (None, {})


class RuleBook:
    """One for the process."""

    def __init__(self, expressions: Expressions, templates: Templates) -> None:
        self._expressions = expressions
        self._templates = templates
        self._remembered: OrderedDict[Project, Remembered] = OrderedDict()

    async def of(self, projects: Collection[Project], stored: RuleSets) -> Mapping[Project, ProjectRules]:
        """Return the rules of projects as they are now; those without any are missing."""
        # Taken now: others read and forget while we wait for the answer.
        remembered = {project: self._remembered.get(project, NOTHING) for project in sorted(projects)}
        found = {}
        for each in await stored.sets({project: revision for project, (revision, _) in remembered.items()}):
            by_trigger = remembered[each.project][1] if each.rules is None else self._by_trigger(each.rules)
            self._remembered[each.project] = (each.revision, by_trigger)
            self._remembered.move_to_end(each.project)
            found[each.project] = ProjectRules(name=each.name, zone=each.zone, by_trigger=by_trigger)
        while len(self._remembered) > MOST_PROJECTS:
            self._remembered.popitem(last=False)
        return found

    def compile(self, stored: StoredRule) -> CompiledRule:
        """Return the rule, ready to look at events."""
        rule = stored.rule
        templates = {
            index: self._templates.parse(action.parameters["content"])
            for index, action in enumerate(rule.actions)
            if action.action == "send_message"
        }
        return CompiledRule(stored, self._condition(rule), templates, names_groups(rule))

    def _by_trigger(self, rules: Sequence[StoredRule]) -> Mapping[str, Sequence[CompiledRule]]:
        by_trigger: dict[str, list[CompiledRule]] = defaultdict(list)
        for stored in sorted(rules, key=lambda each: each.order):
            by_trigger[stored.rule.trigger].append(self._compile_anyway(stored))
        return by_trigger

    def _compile_anyway(self, stored: StoredRule) -> CompiledRule:
        """A rule that an earlier release took and this one cannot compile must not stop the others."""
        try:
            return self.compile(stored)
        except Exception as error:
            verdict = Verdict(False, (), error=f"the rule does not compile any more: {type(error).__name__}")
            return CompiledRule(stored, lambda _: verdict, {}, False)

    def _condition(self, rule: Rule) -> Callable[[Facts], Verdict]:
        if rule.expression is not None:
            return self._expressions.compile(rule.expression).evaluate
        return partial(evaluate, Tree(rule.trigger, rule.pipeline_id).read(rule.conditions))


def names_groups(rule: Rule) -> bool:
    """Tell whether a rule names group chats; others do not hear what is written there."""
    if GROUP in _as_list(rule.trigger_filter.get("chat_type")):
        return True
    if rule.expression is not None:
        return "chat_type" in rule.expression and GROUP in rule.expression
    tree = Tree(rule.trigger, rule.pipeline_id).read(rule.conditions)
    return any(leaf.path[-1:] == ("chat_type",) and GROUP in _as_list(leaf.value) for leaf in leaves(tree))


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]
