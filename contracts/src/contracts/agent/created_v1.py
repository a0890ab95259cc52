"""agent.created.v1: somebody or something can attend conversations."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import PersonalText, Wire, open_enum


class AgentCreatedV1(Wire, kw_only=True):
    """Humans have a user; others do not. Of `type` virtual: it stands for somebody of the past, and is never given conversations."""

    TYPE: ClassVar[str] = "agent.created.v1"
    PUBLIC: ClassVar[str | None] = "agents"

    agent_id: str
    type: Annotated[str, Meta(extra_json_schema=open_enum("human", "ai", "bot", "channel", "virtual", "system"))]
    role: str
    name: PersonalText
    status: str
    active: bool
    max_sessions: int
    version: int
    project_id: str | None = None
    user_id: str | None = None
    email: PersonalText | None = None
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
