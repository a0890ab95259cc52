"""Somebody or something that attends conversations: what may be said of it, and what may become of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kernel.errors import DomainError, FieldError

from identity.domain.account import MOST_SESSIONS_OF_AN_AGENT, is_language
from identity.domain.membership import VIEWER, Member
from identity.domain.refusals import refused

HUMAN, VIRTUAL = "human", "virtual"
OFFLINE = "offline"
VIRTUAL_PREFIX = "[Virtual] "

WIDENING = ("reassign_sessions", "view_all_sessions")
"""What an agent may beyond its role, where it is given."""

NARROWING = ("access_analytics", "manage_agents", "manage_automations", "send_messages")
"""What its role lets an agent do anyhow, unless it is taken away."""

PERMISSIONS = (*WIDENING, *NARROWING)

CLEARABLE = frozenset(("email", "phone", "department", "user_id"))
OF_A_PERSON = ("email", "user_id")


@dataclass(frozen=True, slots=True)
class Represented:
    """Whom a virtual agent stands for in imported history, and from when to when."""

    represents_person_name: str
    period_start: datetime
    reason: str
    period_end: datetime | None = None
    source_device: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of a project. One that rests (not `active`) is offline."""

    tenant_id: str
    id: str
    project_id: str
    version: int
    type: str
    name: str
    role: str = "human_agent"
    user_id: str | None = None
    email: str | None = None
    phone: str | None = None
    department: str | None = None
    skills: Sequence[str] = ()
    languages: Sequence[str] = ()
    max_sessions: int = MOST_SESSIONS_OF_AN_AGENT
    status: str = OFFLINE
    active: bool = True
    permissions: frozenset[str] = frozenset(NARROWING)
    settings: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    virtual: Represented | None = None

    @property
    def attending_user(self) -> str | None:
        """Return the user whose agent this is at the moment; None while it rests, and of those that are no people."""
        return self.user_id if self.active else None


def agent_of_person(
    agent_id: str, project_id: str, tenant_id: str, user_id: str, name: str, email: str, language: str
) -> Agent:
    """Return the agent that comes with a membership."""
    return Agent(
        tenant_id,
        agent_id,
        project_id,
        version=1,
        type=HUMAN,
        name=name,
        user_id=user_id,
        email=email,
        languages=(language,),
    )


def changed(agent: Agent, asked: Mapping[str, Any]) -> tuple[Agent, Sequence[str]]:
    """Return the agent as it is asked to be, and the names of what is other than before.

    Raises validation_failed naming the field: a language that does not exist, null where something has to stand, a person without
    user or address, or a user of what is no person.
    """
    for name, value in asked.items():
        if value is None and name not in CLEARABLE:
            raise refused(name, "not_allowed", "this cannot be empty")
    for place, language in enumerate(asked.get("languages", ())):
        if not is_language(language):
            raise refused(f"languages/{place}", "bad_format", "a language like pt-BR expected")
    wanted = dict(asked)
    if agent.type == VIRTUAL and "name" in asked:
        wanted["name"] = virtual_name(asked["name"])
    if "permissions" in asked:
        kept = [name for name in PERMISSIONS if asked["permissions"].get(name, name in agent.permissions)]
        wanted["permissions"] = frozenset(kept)
    if wanted.get("active") is False:
        wanted["status"] = OFFLINE
    found = replace(agent, **wanted)
    _check_person(found)
    return found, sorted(name for name in wanted if getattr(agent, name) != getattr(found, name))


def _check_person(agent: Agent) -> None:
    if agent.type == HUMAN:
        missing = tuple(
            FieldError(f"/{name}", "missing", "required of a person")
            for name in OF_A_PERSON
            if getattr(agent, name) is None
        )
        if missing:
            count = len(missing)
            words = "1 field needs attention" if count == 1 else f"{count} fields need attention"
            raise DomainError("validation_failed", words, fields=missing)
    elif agent.user_id is not None:
        raise refused("user_id", "not_allowed", "only human agents are somebody")


def virtual_name(name: str) -> str:
    """Return how a virtual agent is called that stands for somebody."""
    return name if name.startswith(VIRTUAL_PREFIX) else VIRTUAL_PREFIX + name


def refuse_stranger(member: Member | None) -> None:
    """Raise validation_failed for the agent of somebody who attends nothing in the project: no member, or a viewer."""
    if member is None:
        raise refused("user_id", "not_found", "a member of the project expected")
    if member.role == VIEWER:
        raise refused("user_id", "not_allowed", "viewers attend no conversations")


def refuse_waking(agent: Agent, member: Member | None) -> None:
    """Raise rule_violated for a person's agent that rests with the membership: it comes back with that, and not by hand."""
    if agent.type == HUMAN and (member is None or member.role == VIEWER):
        raise DomainError(
            "rule_violated", "it comes back with its person's membership", rule="agent_rests_with_membership"
        )


def with_status(agent: Agent, status: str) -> Agent:
    """Return the agent with another status, any after any.

    Raises rule_violated for a virtual one, which has none; invalid_state for one that rests, which stays offline.
    """
    if agent.type == VIRTUAL:
        raise DomainError("rule_violated", "a virtual agent has no status", rule="virtual_has_no_status")
    if not agent.active and status != OFFLINE:
        raise DomainError("invalid_state", "the agent rests", current_state="inactive")
    return replace(agent, status=status)


def with_period_ended(agent: Agent, period_end: datetime) -> Agent:
    """Return the virtual agent with the end of its period.

    Raises rule_violated for any other agent and for an end that is not after the start, invalid_state where there is an end already.
    """
    if agent.virtual is None:
        raise DomainError("rule_violated", "only virtual agents have a period", rule="not_virtual")
    if agent.virtual.period_end is not None:
        raise DomainError("invalid_state", "the period has ended already", current_state="ended")
    if period_end <= agent.virtual.period_start:
        raise DomainError(
            "rule_violated",
            "the period ends after it begins",
            fields=(FieldError("/period_end", "out_of_range", "a time after period_start expected"),),
            rule="period_end_after_start",
        )
    return replace(agent, virtual=replace(agent.virtual, period_end=period_end))
