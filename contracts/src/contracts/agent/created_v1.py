"""agent.created.v1: somebody or something can attend conversations."""

from typing import ClassVar

from contracts.fields import PersonalText, Wire


class AgentCreatedV1(Wire, kw_only=True):
    """Humans have a user; others do not."""

    TYPE: ClassVar[str] = "agent.created.v1"
    PUBLIC: ClassVar[str | None] = "agents"

    agent_id: str
    type: str
    role: str
    name: PersonalText
    status: str
    active: bool
    max_sessions: int
    version: int
    user_id: str | None = None
    email: PersonalText | None = None
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
