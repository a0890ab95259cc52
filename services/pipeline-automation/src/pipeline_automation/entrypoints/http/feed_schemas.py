"""What the feed looks like over HTTP: the one body of an event that the feed, webhooks and sockets show (api.md 13.1)."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol

from kernel.errors import DomainError, FieldError
from pydantic import BaseModel, ConfigDict, Field
from web.bodies import Answer, Id, Time
from web.paging import DEFAULT_LIMIT, AnyOf, Limit

from pipeline_automation.application.feed import Row
from pipeline_automation.domain.feed import PAID, cursor_of

MOST_CURSOR_CHARACTERS = 100
LONGEST_WAIT_S = 25
"""Less than the 30 s after which the gateway gives up."""


class Offer(Protocol):
    """What is known of one event that is offered: the schema of its data, and an example, envelope and data."""

    @property
    def name(self) -> str:
        """Return what it is called outside."""

    @property
    def version(self) -> int:
        """Return its version."""

    @property
    def group(self) -> str:
        """Return under what it is offered."""

    @property
    def description(self) -> str:
        """Return what it tells, in one line."""

    @property
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its data."""

    @property
    def example(self) -> dict[str, Any]:
        """Return one that could have been said."""


Offers = Mapping[str, Offer]
"""By type on the wire."""


class Actor(Answer):
    """Who did it. A phone has no id."""

    kind: str
    id: str | None


class EventAnswer(Answer):
    """A public event. `data` is its payload of that version; `cursor` its place in the feed."""

    id: Id
    type: str
    version: int
    timestamp: Time
    tenant_id: Id
    project_id: Id | None
    subject: str
    actor: Actor
    correlation_id: Id
    causation_id: Id | None
    cursor: str
    data: dict[str, Any]


class EventType(Answer):
    """An event that is offered. `schema` is that of its whole body, `example` one of these."""

    type: str
    version: int
    group: str
    description: str
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    example: dict[str, Any]


class FeedQuery(BaseModel):
    """What people ask of the feed."""

    model_config = ConfigDict(extra="forbid")

    types: Annotated[list[str] | None, AnyOf()] = None
    subject: Annotated[str | None, Field(max_length=255)] = None
    contact_id: Id | None = None
    session_id: Id | None = None
    chat_id: Id | None = None
    channel_id: Id | None = None
    project_id: Id | None = None
    correlation_id: Id | None = None
    since: Time | None = None
    until: Time | None = None
    cursor: Annotated[str | None, Field(max_length=MOST_CURSOR_CHARACTERS)] = None
    after: Annotated[str | None, Field(max_length=MOST_CURSOR_CHARACTERS, description="another name of cursor")] = None
    limit: Annotated[int, Limit()] = DEFAULT_LIMIT
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT_S, description="seconds to hold an empty answer")] = 0

    def starting(self) -> str | None:
        """Return the cursor to go on from; raise validation_failed for two that differ."""
        if self.cursor is not None and self.after is not None and self.cursor != self.after:
            raise _refused("after", "not_allowed", "cursor and after are one; give either")
        return self.cursor if self.after is None else self.after


def types_of(patterns: Sequence[str] | None, offers: Offers) -> list[str] | None:
    """Return the types that exact names and `prefix*` stand for; raise validation_failed for one that stands for none."""
    if patterns is None:
        return None
    found: set[str] = set()
    for pattern in patterns:
        named = [type for type, offer in offers.items() if _fits(offer.name, pattern)]
        if not named:
            raise _refused("types", "not_in_enum", "GET /api/v1/events/types lists what is offered")
        found.update(named)
    return sorted(found)


def only_bills(types: Sequence[str] | None) -> bool:
    """Tell whether types were named and all of them are billing's."""
    return bool(types) and all(each.startswith(PAID) for each in types or ())


def event_answer(row: Row) -> EventAnswer:
    """Return what people see of an entry."""
    name, _, version = row["type"].rpartition(".v")
    kind, _, id = row["actor"].partition(":")
    return EventAnswer(
        id=row["id"],
        type=name,
        version=int(version),
        timestamp=row["occurred_at"],
        tenant_id=row["tenant_id"],
        project_id=row["project_id"],
        subject=row["subject"],
        actor=Actor(kind=kind, id=id or None),
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        cursor=cursor_of(row["place"]),
        data=json.loads(row["data"]),
    )


def event_type(offer: Offer) -> EventType:
    """Return what is told of an event that is offered."""
    body, data = EventAnswer.model_json_schema(), offer.schema
    body["$defs"] |= data.pop("$defs", {})
    body["properties"] |= {"type": {"const": offer.name}, "version": {"const": offer.version}, "data": data}
    said = offer.example
    example = event_answer(
        {
            "place": EXAMPLE_PLACE,
            "id": said["id"],
            "type": said["type"],
            "occurred_at": said["time"],
            "tenant_id": said["tenantid"],
            "project_id": said.get("projectid"),
            "subject": said["subject"],
            "actor": said["actor"],
            "correlation_id": said["correlationid"],
            "causation_id": said.get("causationid"),
            "data": json.dumps(said["data"]),
        }
    )
    told = {"type": offer.name, "version": offer.version, "group": offer.group, "description": offer.description}
    return EventType.model_validate({**told, "schema": body, "example": example.model_dump(mode="json")})


EXAMPLE_PLACE = 1_866_220_160_000_000_000


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _refused(field: str, code: str, detail: str) -> DomainError:
    return DomainError(
        "validation_failed", "1 query field needs attention", fields=(FieldError(f"?{field}", code, detail),)
    )
