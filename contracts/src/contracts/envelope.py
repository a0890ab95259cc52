"""The envelope of every event: CloudEvents 1.0 attribute names with our extensions.

One AMQP message holds a JSON array of these (our own convention, BATCH_CONTENT_TYPE).
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar

import msgspec
from kernel.cause import Cause
from msgspec import Meta

from contracts.fields import Moment, PersonalText

SPEC_VERSION = "1.0"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
MAX_EVENT_BYTES = 256 * 1024


class Payload(Protocol):
    """The data of one event version; `TYPE` is its name on the wire."""

    TYPE: ClassVar[str]


D = TypeVar("D", covariant=True)


class Event(msgspec.Struct, Generic[D], frozen=True, kw_only=True, gc=False):
    """One fact. `subject` is the aggregate's id; `partitionkey` decides where and in which order it
    travels; before the person is known it holds an address of theirs.
    """

    specversion: str
    id: str
    type: str
    source: str
    subject: str
    time: Moment
    tenantid: str
    partitionkey: PersonalText
    correlationid: str
    actor: str
    data: D
    projectid: str | None = None
    causationid: str | None = None
    hop: Annotated[int, Meta(ge=0)] = 0
    traceparent: str | None = None


AnyEvent = Event[Any]
UnreadEvent = Event[msgspec.Raw]

encode = msgspec.json.Encoder().encode


def first_event(
    data: Payload,
    *,
    id: str,
    source: str,
    subject: str,
    time: datetime,
    tenant_id: str,
    project_id: str | None,
    partition_key: str,
    correlation_id: str,
    actor: str,
    traceparent: str | None = None,
) -> AnyEvent:
    """Return the event at the head of a chain: somebody outside did something."""
    return Event(
        specversion=SPEC_VERSION,
        id=id,
        type=data.TYPE,
        source=source,
        subject=subject,
        time=time,
        tenantid=tenant_id,
        projectid=project_id,
        partitionkey=partition_key,
        correlationid=correlation_id,
        actor=actor,
        traceparent=traceparent,
        data=data,
    )


def asked_event(
    cause: Cause,
    data: Payload,
    *,
    id: str,
    source: str,
    subject: str,
    time: datetime,
    project_id: str | None,
    partition_key: str,
) -> AnyEvent:
    """Return the event of what a person or program asked for."""
    return first_event(
        data,
        id=id,
        source=source,
        subject=subject,
        time=time,
        tenant_id=cause.tenant_id,
        project_id=project_id,
        partition_key=partition_key,
        correlation_id=cause.correlation_id,
        actor=cause.actor,
        traceparent=cause.traceparent,
    )


def caused_event(
    cause: AnyEvent,
    data: Payload,
    *,
    id: str,
    source: str,
    subject: str,
    time: datetime,
    partition_key: str,
    actor: str | None = None,
    hop: int | None = None,
) -> AnyEvent:
    """Return an event that follows from another: tenant, correlation, actor, hop and trace are handed on.

    Automation names itself as the `actor` of what it wishes for, one `hop` further than what it reacts to.
    """
    return Event(
        specversion=SPEC_VERSION,
        id=id,
        type=data.TYPE,
        source=source,
        subject=subject,
        time=time,
        tenantid=cause.tenantid,
        projectid=cause.projectid,
        partitionkey=partition_key,
        correlationid=cause.correlationid,
        causationid=cause.id,
        hop=cause.hop if hop is None else hop,
        actor=actor or cause.actor,
        traceparent=cause.traceparent,
        data=data,
    )
