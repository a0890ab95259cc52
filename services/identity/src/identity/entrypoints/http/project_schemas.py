"""What bodies and answers about projects look like."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from kernel.errors import DomainError
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from web.bodies import Answer, Body, Id, Time

from identity.entrypoints.http.schemas import Name

MOST_CONFIGURATION_BYTES = 32 * 1024
MOST_IN_A_LIST = 100


def read_configuration(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object of at most 32 KB."""
    if len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MOST_CONFIGURATION_BYTES:
        raise PydanticCustomError("too_long", "at most 32 KB")
    return value


Ids = Annotated[list[Id], Field(max_length=MOST_IN_A_LIST)]


class ReassignmentRule(Body):
    """When a conversation goes to another agent. Minutes are needed where waiting is what triggers."""

    enabled: bool
    trigger: Literal["inactivity", "manual", "no_response", "workload_balance"]
    inactivity_timeout_minutes: Annotated[int, Field(ge=0, le=43_200)] = 0
    max_reassignments: Annotated[int, Field(ge=0, le=1000)] = 3
    notify_previous_agent: bool = True
    only_during_business_hours: bool = False


class AgentAssignment(Body):
    """Who gets conversations."""

    enabled: bool = False
    agent_ids: Ids = Field(default_factory=list)
    queue_ids: Ids = Field(default_factory=list)
    strategy: Literal["round_robin", "least_sessions", "manual"] = "manual"
    only_human_agents: bool = False
    exclude_virtual_agents: bool = True
    require_at_least_one_agent: bool = True
    reassignment_rules: Annotated[list[ReassignmentRule], Field(max_length=MOST_IN_A_LIST, default_factory=list)]

    def check(self) -> None:
        """Raise rule_violated for an assignment to nobody, and for waiting that has no length."""
        if self.enabled and self.require_at_least_one_agent and not (self.agent_ids or self.queue_ids):
            raise DomainError("rule_violated", "name agents or queues", rule="require_at_least_one_agent")
        for each in self.reassignment_rules:
            if each.trigger in ("inactivity", "no_response") and not each.inactivity_timeout_minutes:
                raise DomainError("rule_violated", "waiting has a length", rule="inactivity_timeout_minutes")


class ProjectSettings(Body):
    """What may be said of a project."""

    description: Annotated[str, Field(max_length=2000)] | None = None
    session_timeout_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    language: Annotated[str, Field(max_length=10)] | None = None
    configuration: Annotated[dict[str, Any], AfterValidator(read_configuration)] | None = None
    business_hours: dict[str, Any] | None = None
    agent_assignment: AgentAssignment | None = None

    def asked(self) -> dict[str, Any]:
        """Return the fields that were sent, in the words of the domain; raise rule_violated for an assignment to nobody."""
        fields = self.given()
        assignment = fields.get("agent_assignment")
        if assignment is not None:
            assignment.check()
            fields["agent_assignment"] = assignment.model_dump()
        return fields


class NewProject(ProjectSettings):
    """A project to be made. What is left out is the tenant's, or the usual."""

    name: Name


class ProjectChange(ProjectSettings):
    """What is to be different; what is left out stays."""

    name: Name | None = None
    active: bool | None = None


class ProjectAnswer(Answer):
    """A project."""

    # Without the configuration: nobody knows what programs keep there.
    audited = (
        "name",
        "description",
        "active",
        "session_timeout_minutes",
        "timezone",
        "country",
        "language",
        "business_hours",
        "agent_assignment",
        "customer_id",
    )

    id: Id
    tenant_id: Id
    version: int
    created_at: Time
    updated_at: Time
    name: str
    description: str | None
    active: bool
    is_default: bool
    session_timeout_minutes: int
    timezone: str
    country: str
    language: str
    configuration: dict[str, Any]
    business_hours: dict[str, Any]
    agent_assignment: dict[str, Any]
    customer_id: Id


class FoundProject(ProjectAnswer):
    """A project that a search found, and by what."""

    match_score: float
    match_field: str


def project_answer(row: Mapping[str, Any]) -> ProjectAnswer:
    """Return the answer for a row."""
    return ProjectAnswer.of(row, **_objects(row))


def found_project(row: Mapping[str, Any]) -> FoundProject:
    """Return a search's item for a row."""
    return FoundProject.of(row, **_objects(row))


def _objects(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json.loads(row[name]) for name in ("configuration", "business_hours", "agent_assignment")}
