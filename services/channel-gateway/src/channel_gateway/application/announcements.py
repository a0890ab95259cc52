"""What channel-gateway says: the only file that builds its contract events, and what stands in for one that is parked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from contracts.attribution import Attribution
from contracts.channel.activated_v1 import ChannelActivatedV1
from contracts.channel.activation_failed_v1 import ChannelActivationFailedV1
from contracts.channel.activation_requested_v1 import ChannelActivationRequestedV1
from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.channel.deleted_v1 import ChannelDeletedV1
from contracts.channel.message_acked_v1 import ChannelMessageAckedV1
from contracts.channel.message_failed_v1 import ChannelMessageFailedV1
from contracts.channel.message_received_v1 import ChannelMessageReceivedV1
from contracts.channel.message_sent_v1 import ChannelMessageSentV1
from contracts.channel.message_unresolved_v1 import ChannelMessageUnresolvedV1
from contracts.channel.restricted_v1 import ChannelRestrictedV1
from contracts.channel.restriction_lifted_v1 import ChannelRestrictionLiftedV1
from contracts.channel.status_changed_v1 import ChannelStatusChangedV1
from contracts.channel.updated_v1 import ChannelUpdatedV1
from contracts.envelope import SPEC_VERSION, Event, asked_event, caused_event, encode, first_event
from contracts.fields import ChannelSettings, ContactIdentity
from contracts.reading import Unreadable
from kernel.cause import Cause
from outbox.parked import Parked

from channel_gateway.domain.content import Attribution as FoundAttribution
from channel_gateway.domain.delivery import Delivery
from channel_gateway.domain.inbound import Acknowledgement, InboundMessage
from channel_gateway.domain.provider_session import ProviderSession
from channel_gateway.domain.receiving_channel import ChannelBehaviour
from channel_gateway.domain.sending import CANCELLED, Attempt, HowKnown, Refusal, SendRequest, Withdrawal

SOURCE = "channel-gateway"
WEBHOOK_CONSUMER = "webhook"
"""Under this name parked deliveries stand among the parked events; redriving one translates it again."""

Row = Mapping[str, Any]
WaitingForPeople = Parked
Send = Attempt | SendRequest | Withdrawal

_ATTRIBUTION_FIELDS = Attribution.__struct_fields__


class Announcements:
    """Says events of one transaction."""

    def __init__(self, say: Callable[..., None], new_id: Callable[[], str], now: datetime) -> None:
        self._say = say
        self._new_id = new_id
        self._now = now

    # on the line

    def message_received(self, delivery: Delivery, message: InboundMessage) -> None:
        """Somebody wrote to us, or our own number wrote from elsewhere."""
        channel, content = delivery.channel, message.content
        media_id = None if content.media is None else self._new_id()
        data = ChannelMessageReceivedV1(
            channel_id=channel.id,
            channel_type=channel.type,
            provider=channel.type,
            delivery_id=delivery.id,
            provider_message_id=message.provider_message_id,
            provider_message_ref=message.provider_message_ref,
            external_chat_id=message.external_chat_id,
            chat_type=message.chat_type,
            from_me=message.from_me,
            direction="outbound" if message.from_me else "inbound",
            origin="live",
            late=delivery.is_late(message),
            contact_identities=tuple([ContactIdentity(kind=i.kind, value=i.value) for i in message.identities]),
            content=msgspec.Raw(encode(content.to_wire(media_id))),
            channel_settings=_settings(channel.behaviour),
            occurred_at=message.occurred_at,
            received_at=delivery.received_at,
            provider_session=delivery.session or channel.session,
            engine=delivery.engine or channel.engine,
            provider_event_id=delivery.event_id,
            chat_subject=message.chat_subject,
            source=message.source,
            push_name=message.push_name,
            is_business=message.is_business,
            reply_to_provider_id=message.reply_to_provider_id,
            mentions=message.mentions,
            forwarded=message.forwarded,
            attribution=None if message.attribution is None else _attribution(message.attribution),
        )
        self._deliver(delivery, message.external_chat_id, data)

    def message_acked(self, delivery: Delivery, ack: Acknowledgement) -> None:
        """A receipt came for a message."""
        data = ChannelMessageAckedV1(
            channel_id=delivery.channel.id,
            provider_message_id=ack.provider_message_id,
            external_chat_id=ack.external_chat_id,
            from_me=ack.from_me,
            level=ack.level,
            level_name=ack.level_name,
            acked_at=ack.at,
            participant=ack.participant,
        )
        self._deliver(delivery, ack.external_chat_id, data)

    def session_changed(self, delivery: Delivery, before: ProviderSession, after: ProviderSession) -> None:
        """A report of the provider has, or has not, changed a channel."""
        for data in _session_events(before, after, after.at or self._now):
            self._deliver(delivery, None, data)

    def session_found(self, before: ProviderSession, after: ProviderSession, by: Cause | None = None) -> None:
        """We found out by ourselves how a channel's session is; `by` asked for it."""
        by = by or Cause(tenant_id=after.tenant_id, actor=f"system:{SOURCE}", correlation_id=self._new_id())
        for data in _session_events(before, after, after.at or self._now):
            self._ask(data, after.channel_id, after.project_id, by)

    def _deliver(self, delivery: Delivery, chat: str | None, data: Any) -> None:
        """One chain for each delivery: its id is the correlation of all that follows. Without a chat it is the channel's."""
        channel = delivery.channel
        self._say(
            first_event(
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=channel.id,
                time=self._now,
                tenant_id=channel.tenant_id,
                project_id=channel.project_id,
                partition_key=channel.id if chat is None else f"{channel.id}:{chat}",
                correlation_id=delivery.id,
                actor=f"provider:{channel.type}",
                traceparent=delivery.traceparent,
            )
        )

    # the way back

    def message_sent(self, attempt: Attempt, evidence: HowKnown, at: datetime) -> None:
        """The provider accepted a message, or something proves that it did."""
        assert attempt.provider_id is not None
        data = ChannelMessageSentV1(
            message_id=attempt.message_id,
            channel_id=attempt.channel_id,
            chat_key=attempt.chat_key,
            provider_message_id=attempt.provider_id,
            sent_at=at,
            evidence=evidence,
            attempts=attempt.attempts,
            external_chat_id=attempt.external_chat_id,
            provider_message_ref=attempt.provider_ref,
        )
        self._follow(attempt, data)

    def message_failed(self, attempt: Attempt, refusal: Refusal) -> None:
        """A message will not be sent."""
        self._follow(attempt, self._failed(attempt, refusal, attempt.attempts))

    def send_refused(self, request: SendRequest, refusal: Refusal) -> None:
        """It was clear at once that a message cannot be sent."""
        self._follow(request, self._failed(request, refusal, 0))

    def send_withdrawn(self, wish: Withdrawal, attempts: int) -> None:
        """A message was withdrawn before it was begun."""
        self._follow(wish, self._failed(wish, CANCELLED, attempts))

    def message_unresolved(self, attempt: Attempt) -> None:
        """Nobody knows yet whether a message was sent."""
        data = ChannelMessageUnresolvedV1(
            message_id=attempt.message_id,
            channel_id=attempt.channel_id,
            chat_key=attempt.chat_key,
            detail=attempt.last_error or "",
            since=attempt.unknown_since or self._now,
            reserved_provider_id=attempt.provider_id if attempt.id_reserved else None,
        )
        self._follow(attempt, data)

    def _failed(self, send: Send, refusal: Refusal, attempts: int) -> ChannelMessageFailedV1:
        return ChannelMessageFailedV1(
            message_id=send.message_id,
            channel_id=send.channel_id,
            chat_key=send.chat_key,
            code=refusal.code,
            reason=refusal.reason,
            permanent=refusal.permanent,
            attempts=attempts,
            failed_at=self._now,
        )

    def _follow(self, send: Send, data: Any) -> None:
        """What follows from a request stands in its chain, and in the order of its chat."""
        heard = send.heard
        request: Event[None] = Event(
            specversion=SPEC_VERSION,
            id=heard.event_id,
            type="message.send_requested.v1",
            source="messaging",
            subject=send.message_id,
            time=self._now,
            tenantid=send.tenant_id,
            projectid=send.project_id,
            partitionkey=send.chat_key,
            correlationid=heard.correlation_id,
            hop=heard.hop,
            actor=heard.actor,
            traceparent=heard.traceparent,
            data=None,
        )
        self._say(
            caused_event(
                request,
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=send.message_id,
                time=self._now,
                partition_key=send.chat_key,
            )
        )

    # over HTTP

    def created(self, row: Row, by: Cause) -> None:
        """A person or program connected a channel."""
        self._begin(ChannelCreatedV1(**_snapshot(row)), row, by)

    def updated(self, row: Row, changed: Sequence[str], by: Cause) -> None:
        """A person or program changed a channel's settings."""
        self._begin(ChannelUpdatedV1(**_snapshot(row), changed=tuple(changed)), row, by)

    def deleted(self, row: Row, by: Cause) -> None:
        """A person or program removed a channel."""
        self._begin(ChannelDeletedV1(channel_id=str(row["id"]), by=by.actor, at=self._now), row, by)

    def activation_requested(self, row: Row, by: Cause) -> None:
        """A person or program wants a channel to work."""
        channel_id = str(row["id"])
        self._begin(
            ChannelActivationRequestedV1(channel_id=channel_id, type=row["type"], requested_by=by.actor), row, by
        )

    def activation_failed(self, session: ProviderSession, reason: str, by: Cause) -> None:
        """A channel could not be made to work."""
        data = ChannelActivationFailedV1(
            channel_id=session.channel_id, reason=reason, at=self._now, version=session.version
        )
        self._ask(data, session.channel_id, session.project_id, by)

    def _begin(self, data: Any, row: Row, by: Cause) -> None:
        channel_id = str(row["id"])
        self._ask(data, channel_id, str(row["project_id"]), by)

    def _ask(self, data: Any, channel_id: str, project_id: str, by: Cause) -> None:
        self._say(
            asked_event(
                by,
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=channel_id,
                time=self._now,
                project_id=project_id,
                partition_key=channel_id,
            )
        )


def _session_events(before: ProviderSession, after: ProviderSession, at: datetime) -> Iterator[Any]:
    channel_id = after.channel_id
    if before.status != after.status:
        yield ChannelStatusChangedV1(
            channel_id=channel_id,
            old=before.status,
            new=after.status,
            at=at,
            version=after.version,
            provider_status=after.provider_status,
            reason=after.reason,
            qr_available=after.waits_for_scan,
        )
        if after.status == "active":
            yield ChannelActivatedV1(channel_id=channel_id, at=at, version=after.version, external_id=after.external_id)
    for limit in after.limits_beyond(before):
        known = before.limits.get(limit.kind)
        if limit.active:
            yield ChannelRestrictedV1(channel_id=channel_id, kind=limit.kind, at=at, until=limit.until)
        elif known is not None and known.active:
            yield ChannelRestrictionLiftedV1(channel_id=channel_id, kind=limit.kind, at=at)


def waiting_for_people(delivery: Delivery, reason: str, error: str) -> WaitingForPeople:
    """Return a delivery as a parked event. It takes the raw bytes along: they outlive the raw row there."""
    return Parked(
        WEBHOOK_CONSUMER,
        Unreadable(
            body=delivery.raw,
            reason=reason,
            error=error,
            event_id=delivery.id,
            tenant_id=delivery.channel.tenant_id,
            project_id=delivery.channel.project_id,
            event_type=delivery.event,
            subject=delivery.channel.id,
        ),
        delivery_id=delivery.id,
    )


def _settings(behaviour: ChannelBehaviour) -> ChannelSettings:
    return ChannelSettings(
        pipeline_id=behaviour.pipeline_id,
        default_session_timeout_minutes=behaviour.default_session_timeout_minutes,
        tracking_enabled=behaviour.tracking_enabled,
        ai_agents_enabled=behaviour.ai_agents_enabled,
        debounce_timeout_ms=behaviour.debounce_timeout_ms,
        default_agent_id=behaviour.default_agent_id,
    )


def _attribution(found: FoundAttribution) -> Attribution:
    said = found.to_wire()
    return Attribution(**{name: said[name] for name in _ATTRIBUTION_FIELDS if name in said})


def _snapshot(row: Row) -> dict[str, Any]:
    return {
        "channel_id": str(row["id"]),
        "name": row["name"],
        "type": row["type"],
        "status": row["status"],
        "allow_groups": row["allow_groups"],
        "tracking_enabled": row["tracking_enabled"],
        "ai_enabled": row["ai_enabled"],
        "ai_agents_enabled": row["ai_agents_enabled"],
        "debounce_timeout_ms": row["debounce_timeout_ms"],
        "version": row["version"],
        "external_id": row["external_id"],
        "pipeline_id": _text(row["pipeline_id"]),
        "default_session_timeout_minutes": row["default_session_timeout_minutes"],
        "default_agent_id": _text(row["default_agent_id"]),
        "messaging_window_hours": row["messaging_window_hours"],
    }


def _text(identifier: Any) -> str | None:
    return None if identifier is None else str(identifier)
