"""What automation works with, inside one transaction and across all of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipeline_automation.application.rule_book import Project, ProjectRules, RuleBook, RuleSets
from pipeline_automation.domain.execution import Execution
from pipeline_automation.domain.expression_text import Flaw
from pipeline_automation.domain.facts import KnownToRules
from pipeline_automation.domain.heard import Heard
from pipeline_automation.domain.loop_guard import Chat, Past
from pipeline_automation.domain.rule import StoredRule
from pipeline_automation.domain.sampling import Sampling
from pipeline_automation.domain.wished_message import WishedMessage

ContactKey = tuple[str, str]
"""Tenant, contact."""


class Rules(RuleSets, Protocol):
    """Rules as people write them. Every call names the tenant."""

    async def read(self, tenant_id: str, rule_id: str) -> StoredRule:
        """Return a rule as it is; raise not_found."""

    async def get(self, tenant_id: str, rule_id: str) -> StoredRule:
        """Return a rule, locked until the end of the transaction; raise not_found."""

    async def row(self, tenant_id: str, rule_id: str) -> Mapping[str, Any]:
        """Return a rule as people see it; raise not_found."""

    async def add(self, rule: StoredRule) -> None:
        """Store a new rule."""

    async def save(self, rule: StoredRule, now: datetime) -> None:
        """Store a changed rule."""

    async def remove(self, rule: StoredRule) -> None:
        """Delete a rule softly."""

    async def reorder(self, tenant_id: str, priorities: Mapping[str, int]) -> list[StoredRule]:
        """Give rules other priorities; return those that changed."""

    async def in_project(self, tenant_id: str, project_id: str) -> list[StoredRule]:
        """Return all rules of a project in their order; nobody else changes any meanwhile."""

    async def disable(self, rules: Collection[tuple[str, str]], reason: str) -> list[StoredRule]:
        """Disable rules (tenant, rule); return those that were enabled."""

    async def touch(self, projects: Collection[tuple[str, str]]) -> None:
        """Note that the rules of projects changed, so that whoever remembers them reads them again."""

    async def existing(
        self,
        tenant_id: str,
        project_id: str,
        *,
        pipelines: Collection[str],
        statuses: Collection[str],
        channels: Collection[str],
    ) -> Mapping[tuple[str, str], str | None]:
        """Return which of these exist in the project, by kind and id; with statuses the pipeline that they belong to."""


class Executions(Protocol):
    """What rules did."""

    async def past(self, executions: Sequence[Execution], chats: Collection[Chat], now: datetime) -> Past:
        """Return what had happened before, of the rules, contacts and chats of these executions."""

    async def keep(self, executions: Sequence[Execution], now: datetime) -> None:
        """Store executions; one that was looked at before stays as it was, and two that ran at once end in a conflict."""

    async def keep_messages(self, messages: Sequence[WishedMessage], now: datetime) -> None:
        """Store which action wished for which message."""

    async def pause(self, chats: Collection[Chat], until: datetime) -> None:
        """Let automation be silent in these chats."""

    async def first_notices(self, busy: Collection[tuple[str, str, str]], now: datetime) -> set[tuple[str, str, str]]:
        """Return of which rules and contacts (tenant, rule, contact) people were not told lately; now they are."""

    async def failing(self, rules: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which of these rules (tenant, rule) failed too often in a row."""

    async def wished_by(self, messages: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str, int]]:
        """Return rule, event and action behind messages (tenant, message), of those that a rule wished for."""

    async def amend(self, refusals: Sequence["Refusal"], now: datetime) -> set[tuple[str, str]]:
        """Mark actions refused, with what that makes of their executions; return the rules (tenant, rule) that failed."""


class KnownContacts(Protocol):
    """What rules know of contacts."""

    async def of(self, contacts: Collection[ContactKey]) -> Mapping[ContactKey, KnownToRules]:
        """Return what is known of contacts; those never heard of are missing."""


class TriggerEvents(Protocol):
    """What rules could have heard lately."""

    async def keep(self, heard: Sequence[Heard], now: datetime) -> None:
        """Store events."""

    async def wait(self, heard: Sequence[Heard], now: datetime) -> None:
        """Store events whose contact is not known yet."""

    async def no_longer_waiting(self, contacts: Collection[ContactKey]) -> list[Heard]:
        """Return the events that waited for these contacts, in their order; they are forgotten."""

    async def last(self, tenant_id: str, project_id: str, trigger: str, count: int) -> list[Heard]:
        """Return the last events of a trigger, the newest first."""

    async def get(self, tenant_id: str, project_id: str, event_id: str) -> Heard | None:
        """Return one event, None where it is not kept."""


class Checker(Protocol):
    """Tells what is wrong with an expression or a template."""

    def flaw_of(self, text: str, trigger: str) -> Flaw | None:
        """Return the first flaw, None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An action whose wish its owner refused. The execution is named by its id or by the event."""

    tenant_id: str
    rule_id: str
    action_index: int
    detail: str
    execution_id: str | None = None
    event_id: str | None = None


@dataclass(frozen=True)
class Automation:
    """The collaborators of rules. `book`, `expressions`, `templates` and `sampling` live as long as the process.

    `asked` is what this transaction has asked the book; None stands for a project without rules.
    """

    rules: Rules
    executions: Executions
    contacts: KnownContacts
    trigger_events: TriggerEvents
    book: RuleBook
    expressions: Checker
    templates: Checker
    sampling: Sampling
    asked: dict[Project, ProjectRules | None]

    async def rules_of(self, projects: Collection[Project]) -> Mapping[Project, ProjectRules]:
        """Return the rules of projects; those without any are missing. A transaction asks once, unless it changes them itself."""
        unasked = set(projects) - self.asked.keys()
        if unasked:
            found = await self.book.of(unasked, self.rules)
            self.asked.update({project: found.get(project) for project in unasked})
        return {project: rules for project in projects if (rules := self.asked[project]) is not None}

    async def rules_changed(self, projects: Collection[Project]) -> None:
        """Let whoever remembers the rules of these projects read them again: others in their next batch, we from here on."""
        await self.rules.touch(projects)
        for project in projects:
            self.asked.pop(project, None)
