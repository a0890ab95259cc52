"""What bodies and answers about agents look like."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from web.bodies import Answer, Body, Id, Time

from identity.domain.account import MOST_SESSIONS_OF_AN_AGENT
from identity.domain.agent import PERMISSIONS, Represented
from identity.entrypoints.http.project_schemas import read_configuration
from identity.entrypoints.http.schemas import Email, Name, read_name

KINDS = ("human", "ai", "bot", "channel", "virtual", "system")
STATUSES = ("available", "busy", "away", "offline")
ROLES = (
    *("human_agent", "supervisor", "admin", "ai_agent", "ai_assistant"),
    *("channel_bot", "workflow_bot", "analytics_bot", "summarizer_bot"),
)
MOST_SKILLS = MOST_LANGUAGES = 50

_PHONE = re.compile(r"\+[1-9]\d{7,14}")


def read_phone(text: str) -> str:
    """Return a phone number as E.164; it names its country itself."""
    number = re.sub(r"[ ()-]", "", text)
    if not _PHONE.fullmatch(number):
        raise PydanticCustomError("bad_format", "a number like +55 11 98765-4321 expected")
    return number


def read_once(values: list[str]) -> list[str]:
    """Return a list with each value once, where it stood first."""
    return list(dict.fromkeys(values))


Skill = Annotated[str, Field(min_length=1, max_length=50), AfterValidator(read_name)]
Skills = Annotated[list[Skill], Field(max_length=MOST_SKILLS), AfterValidator(read_once)]
Languages = Annotated[
    list[Annotated[str, Field(max_length=10)]], Field(max_length=MOST_LANGUAGES), AfterValidator(read_once)
]
Settings = Annotated[dict[str, Any], AfterValidator(read_configuration)]
AgentRole = Literal[
    "human_agent",
    "supervisor",
    "admin",
    "ai_agent",
    "ai_assistant",
    "channel_bot",
    "workflow_bot",
    "analytics_bot",
    "summarizer_bot",
]


class AgentPermissions(Body):
    """What an agent may do beside the role of its person: the first two widen that, the others narrow it where they are false.

    What is left out stays, or is as here.
    """

    reassign_sessions: bool = False
    view_all_sessions: bool = False
    access_analytics: bool = True
    manage_agents: bool = True
    manage_automations: bool = True
    send_messages: bool = True


class AgentSettings(Body):
    """What may be said of an agent."""

    email: Email | None = None
    user_id: Id | None = None
    phone: Annotated[str, Field(min_length=8, max_length=20), AfterValidator(read_phone)] | None = None
    department: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(read_name)] | None = None
    skills: Skills | None = None
    languages: Languages | None = None
    permissions: AgentPermissions | None = None
    settings: Settings | None = None
    config: Settings | None = None

    def asked(self) -> dict[str, Any]:
        """Return the fields that were sent, in the words of the domain."""
        fields = self.given()
        if self.permissions is not None:
            fields["permissions"] = self.permissions.given()
        return fields


class NewAgent(AgentSettings):
    """An agent to be made. A human one is a member of the project, with an address; virtual ones have a route of their own."""

    name: Name
    type: Literal["human", "ai", "bot", "channel"] = "human"
    role: AgentRole = "human_agent"
    max_sessions: Annotated[int, Field(ge=1, le=500)] = MOST_SESSIONS_OF_AN_AGENT

    def asked(self) -> dict[str, Any]:
        """Return the fields that were sent, but what kind it is."""
        return {name: value for name, value in AgentSettings.asked(self).items() if name != "type"}


class AgentChange(AgentSettings):
    """What is to be different; what is left out stays, and its kind."""

    name: Name | None = None
    role: AgentRole | None = None
    max_sessions: Annotated[int, Field(ge=1, le=500)] | None = None
    active: bool | None = None


class AgentStatus(Body):
    """Whether an agent is there."""

    status: Literal["available", "busy", "away", "offline"]


class NewVirtualAgent(Body):
    """Whom a virtual agent stands for, since when and why."""

    represents_person_name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(read_name)]
    period_start: Time
    reason: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(read_name)]
    source_device: Annotated[str, Field(max_length=255)] | None = None
    notes: Annotated[str, Field(max_length=2000)] | None = None

    def represented(self) -> Represented:
        """Return it in the words of the domain."""
        return Represented(
            self.represents_person_name,
            self.period_start,
            self.reason,
            source_device=self.source_device,
            notes=self.notes,
        )


class PeriodEnd(Body):
    """Until when a virtual agent stands for its person."""

    period_end: Time


class VirtualAnswer(Answer):
    """Whom a virtual agent stands for."""

    represents_person_name: str
    period_start: Time
    period_end: Time | None
    reason: str
    source_device: str | None
    notes: str | None


class AgentPermissionsAnswer(Answer):
    """What an agent may do beside the role of its person."""

    reassign_sessions: bool
    view_all_sessions: bool
    access_analytics: bool
    manage_agents: bool
    manage_automations: bool
    send_messages: bool


class AgentAnswer(Answer):
    """An agent. One of the system belongs to no project; that and a virtual one have no status."""

    # Without settings and config: nobody knows what programs keep there.
    audited = (
        "name",
        "email",
        "user_id",
        "type",
        "role",
        "status",
        "active",
        "phone",
        "department",
        "skills",
        "languages",
        "max_sessions",
        "permissions",
        "virtual",
    )

    id: Id
    tenant_id: Id
    project_id: Id | None
    version: int
    created_at: Time
    updated_at: Time
    deleted_at: Time | None
    name: str
    email: str | None
    user_id: Id | None
    type: str
    role: str
    status: str | None
    active: bool
    system: bool
    phone: str | None
    department: str | None
    skills: list[str]
    languages: list[str]
    max_sessions: int
    permissions: AgentPermissionsAnswer
    settings: dict[str, Any]
    config: dict[str, Any]
    virtual: VirtualAnswer | None
    last_activity_at: Time | None
    last_login_at: Time | None


class FoundAgent(AgentAnswer):
    """An agent that a search found, and by what."""

    match_score: float
    match_field: str


def agent_answer(row: Mapping[str, Any]) -> AgentAnswer:
    """Return the answer for a row."""
    return AgentAnswer.of(row, **_objects(row))


def found_agent(row: Mapping[str, Any]) -> FoundAgent:
    """Return a search's item for a row."""
    return FoundAgent.of(row, **_objects(row))


def _objects(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "permissions": {name: name in row["permissions"] for name in PERMISSIONS},
        "settings": json.loads(row["settings"]),
        "config": json.loads(row["config"]),
        "virtual": None if row["virtual"] is None else json.loads(row["virtual"]),
    }
