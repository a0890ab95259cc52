"""agent.updated.v1: an agent is not as it was."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import PersonalText, Wire, open_enum


class AgentUpdatedV1(Wire, kw_only=True):
    """The snapshot of agent.created, `changed` naming the fields, also some that are not in it. The highest version is how it stands."""

    TYPE: ClassVar[str] = "agent.updated.v1"
    PUBLIC: ClassVar[str | None] = "agents"

    agent_id: str
    project_id: str
    type: Annotated[str, Meta(extra_json_schema=open_enum("human", "ai", "bot", "channel", "virtual", "system"))]
    role: str
    name: PersonalText
    status: str
    active: bool
    max_sessions: int
    version: int
    changed: tuple[str, ...]
    user_id: str | None = None
    email: PersonalText | None = None
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
