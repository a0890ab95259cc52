"""Kinds of fields that several events share.

`x-personal` marks what masking and erasure must find: direct (who somebody is), content (what somebody said).
`x-open-enum` lists the values known today; a reader keeps any other as it came.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, dataclass_transform

import msgspec
from msgspec import Meta

Moment = Annotated[datetime, Meta(tz=True)]
"""An aware time, RFC 3339 on the wire."""

PersonalText = Annotated[str, Meta(extra_json_schema={"x-personal": "direct"})]
"""A name, a number, an address, an id of a person at a provider."""

SpokenText = Annotated[str, Meta(extra_json_schema={"x-personal": "content"})]
"""Something that a person wrote."""


def open_enum(*known: str) -> dict[str, Any]:
    """Return the schema marks of a text whose values may grow within a version."""
    return {"x-open-enum": list(known)}


ChatType = Annotated[str, Meta(extra_json_schema=open_enum("individual", "group", "channel"))]
Direction = Annotated[str, Meta(extra_json_schema=open_enum("inbound", "outbound"))]
Origin = Annotated[str, Meta(extra_json_schema=open_enum("live", "reconciled", "history"))]
MessageSource = Annotated[
    str,
    Meta(
        extra_json_schema=open_enum(
            "manual",
            "broadcast",
            "sequence",
            "trigger",
            "bot",
            "system",
            "webhook",
            "scheduled",
            "test",
            "history_import",
            "campaign",
            "phone",
            "api",
            "reconciled",
            "csat",
        )
    ),
]


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What every payload is: immutable, told apart by names, silent about what is absent, and never part of a circle.

    `PUBLIC` is the group under which an event is offered to the world outside (contracts.public), None where it stays inside.
    """

    PUBLIC: ClassVar[str | None] = None


class ContactIdentity(Wire, kw_only=True):
    """One way in which a person is addressed."""

    kind: Annotated[
        str, Meta(extra_json_schema=open_enum("wa_pn", "wa_lid", "wa_bsuid", "phone", "email", "username", "external"))
    ]
    value: PersonalText


class ChannelSettings(Wire, kw_only=True):
    """What later rooms of the line need to know of the channel."""

    pipeline_id: str | None = None
    default_session_timeout_minutes: int | None = None
    tracking_enabled: bool = True
    ai_agents_enabled: bool = False
    debounce_timeout_ms: int = 15000
    default_agent_id: str | None = None


class SenderRef(Wire, kw_only=True):
    """Who speaks in a message."""

    kind: Annotated[str, Meta(extra_json_schema=open_enum("contact", "agent", "ai", "system", "phone"))]
    id: str | None = None
