"""What automation rules and their executions look like over HTTP."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from web.bodies import Answer, Body, Id, Time

from pipeline_automation.application.try_rule import Trial
from pipeline_automation.domain.actions import MOST_ACTIONS, Action
from pipeline_automation.domain.rule import Rule

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Description = Annotated[str, Field(max_length=2000)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Scalar = Annotated[str, Field(max_length=1000)] | bool | int | float
Type = Literal[
    "pipeline_based",
    "follow_up",
    "reengagement",
    "onboarding",
    "event",
    "scheduled",
    "scheduled_report",
    "time_notification",
    "webhook",
    "custom",
]
OnError = Literal["stop", "continue"]
Priority = Annotated[int, Field(ge=0, le=1_000_000)]
Minutes = Annotated[int, Field(ge=0, le=525_600)]


class Condition(Body):
    """A comparison (field, operator, value), or a group (logic, conditions)."""

    field: Word | None = None
    operator: Word | None = None
    value: Scalar | Annotated[list[Scalar], Field(max_length=100)] | None = None
    logic: Literal["AND", "OR"] | None = None
    conditions: Annotated[list["Condition"], Field(max_length=50)] | None = None

    def written(self) -> dict[str, Any]:
        """Return it as it was sent."""
        given = self.given()
        if self.conditions is not None:
            given["conditions"] = [each.written() for each in self.conditions]
        return given


class ActionBody(Body):
    """One step. Delays and what belongs to them are not available yet."""

    action: Word
    parameters: Annotated[dict[str, Any], Field(default_factory=dict)]
    delay_minutes: Annotated[int, Field(ge=0, le=43_200)] = 0
    recheck_conditions: bool = False
    cancel_on_reply: bool = False


class Budget(Body):
    """How often a rule runs for one contact within so many hours."""

    count: Annotated[int, Field(ge=1, le=10_000)] = 10
    hours: Annotated[int, Field(ge=1, le=720)] = 1


class RuleChange(Body):
    """A partial change: absent means unchanged. The defaults stand for fields that cannot be cleared; they are never used."""

    name: Name = ""
    description: Description | None = None
    pipeline_id: Id | None = None
    trigger: Word = ""
    trigger_filter: Annotated[dict[str, Any], Field(default_factory=dict)]
    conditions: Annotated[list[Condition], Field(max_length=50, default_factory=list)]
    expression: Annotated[str, Field(min_length=1)] | None = None
    actions: Annotated[list[ActionBody], Field(min_length=1, max_length=MOST_ACTIONS, default_factory=list)]
    priority: Priority = 0
    enabled: bool = True
    on_error: OnError = "stop"
    schedule: dict[str, Any] | None = None
    only_during_business_hours: bool = False
    max_event_age_minutes: Minutes = 60
    max_per_contact: Budget = Budget()
    transactional: bool = False


class NewRule(RuleChange):
    """A rule to be written down."""

    automation_type: Type
    name: Name
    trigger: Word
    actions: Annotated[list[ActionBody], Field(min_length=1, max_length=MOST_ACTIONS)]
    project_id: Id | None = None


class Order(Body):
    """All rules of a project, the first one first."""

    rule_ids: Annotated[list[Id], Field(max_length=1000)]


class Copy(Body):
    """How a copy is called."""

    name: Name | None = None


class TestEvent(Body):
    """An event that was heard, or the parameters of one that might be."""

    event: dict[str, Any] | None = None
    event_id: Id | None = None


class DryRun(Body):
    """On how many of the last events a rule is tried."""

    last: Annotated[int, Field(ge=1, le=500)] = 50


class ActionAnswer(Answer):
    """One step of a rule."""

    action: str
    parameters: dict[str, Any]
    delay_minutes: int = 0
    recheck_conditions: bool = False
    cancel_on_reply: bool = False


class RuleAnswer(Answer):
    """A rule."""

    audited = (
        "automation_type", "pipeline_id", "name", "description", "trigger", "trigger_filter", "conditions", "expression", "actions",
        "priority", "enabled", "on_error", "max_event_age_minutes", "max_per_contact", "transactional", "revision", "deleted_at",
    )  # fmt: skip

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    deleted_at: Time | None
    automation_type: str
    pipeline_id: Id | None
    name: str
    description: str | None
    trigger: str
    trigger_filter: dict[str, Any]
    conditions: list[dict[str, Any]]
    expression: str | None
    actions: list[ActionAnswer]
    priority: int
    enabled: bool
    on_error: str
    schedule: dict[str, Any] | None = None
    only_during_business_hours: bool = False
    max_event_age_minutes: int
    max_per_contact: dict[str, int]
    transactional: bool
    revision: int
    last_executed_at: Time | None
    next_execution_at: Time | None = None
    disabled_reason: str | None


class PriorityAnswer(Answer):
    """The place of a rule."""

    id: Id
    priority: int


class OrderAnswer(Answer):
    """The places of all rules."""

    data: list[PriorityAnswer]


class ExecutionAnswer(Answer):
    """One look of a rule at one event."""

    id: Id
    tenant_id: Id
    project_id: Id
    rule_id: Id
    revision: int
    event_id: Id
    trigger: str
    contact_id: Id | None
    session_id: Id | None
    state: str
    matched: bool
    conditions: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    reason: str | None
    hop: int
    created_at: Time
    finished_at: Time | None


class TrialAnswer(Answer):
    """What a rule would make of an event."""

    event_id: Id
    occurred_at: Time
    contact_id: Id | None
    matched: bool
    reason: str | None
    conditions: list[dict[str, Any]]
    actions: list[dict[str, Any]]


class DryRunAnswer(Answer):
    """What a rule would make of the last events; not `complete` where there was no time for all."""

    events: int
    matched: int
    complete: bool
    data: list[TrialAnswer]


def rule_fields(body: RuleChange) -> dict[str, Any]:
    """Return the fields of a rule that were sent, as the rule has them."""
    given = body.given()
    for name in ("project_id", "schedule", "only_during_business_hours"):
        given.pop(name, None)
    if "conditions" in given:
        given["conditions"] = [each.written() for each in body.conditions]
    if "actions" in given:
        given["actions"] = tuple(Action(each.action, each.parameters) for each in body.actions)
    if "max_per_contact" in given:
        del given["max_per_contact"]
        given |= {"max_count": body.max_per_contact.count, "max_hours": body.max_per_contact.hours}
    return given


def new_rule(body: NewRule) -> Rule:
    """Return the rule that somebody wrote."""
    return Rule(**rule_fields(body))


def rule_answer(row: Mapping[str, Any]) -> RuleAnswer:
    """Return the answer for a row."""
    return RuleAnswer.of(
        row,
        trigger_filter=json.loads(row["trigger_filter"]),
        conditions=json.loads(row["conditions"]),
        actions=json.loads(row["actions"]),
        max_per_contact={"count": row["max_count"], "hours": row["max_hours"]},
    )


def execution_answer(row: Mapping[str, Any]) -> ExecutionAnswer:
    """Return the answer for a row."""
    return ExecutionAnswer.of(row, conditions=json.loads(row["conditions"]), actions=json.loads(row["actions"]))


def trial_answer(trial: Trial) -> TrialAnswer:
    """Return the answer for a trial."""
    return TrialAnswer(
        event_id=trial.heard.event_id,
        occurred_at=trial.heard.occurred_at,
        contact_id=trial.heard.contact_id,
        matched=trial.matched,
        reason=trial.reason,
        conditions=[dict(each) for each in trial.conditions],
        actions=[dict(each) for each in trial.actions],
    )
