"""What channel-gateway says: the only file that builds its contract events, and what stands in for one that is parked."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from contracts.attribution import Attribution
from contracts.channel.activated_v1 import ChannelActivatedV1
from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.channel.deleted_v1 import ChannelDeletedV1
from contracts.channel.message_acked_v1 import ChannelMessageAckedV1
from contracts.channel.message_received_v1 import ChannelMessageReceivedV1
from contracts.channel.restricted_v1 import ChannelRestrictedV1
from contracts.channel.restriction_lifted_v1 import ChannelRestrictionLiftedV1
from contracts.channel.status_changed_v1 import ChannelStatusChangedV1
from contracts.channel.updated_v1 import ChannelUpdatedV1
from contracts.envelope import encode, first_event
from contracts.fields import ChannelSettings, ContactIdentity
from contracts.reading import Unreadable
from outbox.parked import Parked

from channel_gateway.domain.content import Attribution as FoundAttribution
from channel_gateway.domain.delivery import Delivery
from channel_gateway.domain.inbound import Acknowledgement, InboundMessage
from channel_gateway.domain.provider_session import ProviderSession
from channel_gateway.domain.receiving_channel import ChannelBehaviour

SOURCE = "channel-gateway"
WEBHOOK_CONSUMER = "webhook"
"""Under this name parked deliveries stand among the parked events; redriving one translates it again."""

Row = Mapping[str, Any]
WaitingForPeople = Parked

_ATTRIBUTION_FIELDS = Attribution.__struct_fields__


class Caused:
    """Who asked, for what people do over HTTP."""

    def __init__(self, *, tenant_id: str, actor: str, correlation_id: str, traceparent: str | None = None) -> None:
        self.tenant_id = tenant_id
        self.actor = actor
        self.correlation_id = correlation_id
        self.traceparent = traceparent


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
        at = after.at or self._now
        if before.status != after.status:
            changed = ChannelStatusChangedV1(
                channel_id=after.channel_id,
                old=before.status,
                new=after.status,
                at=at,
                version=after.version,
                provider_status=after.provider_status,
                reason=after.reason,
                qr_available=after.waits_for_scan,
            )
            self._deliver(delivery, None, changed)
            if after.status == "active":
                activated = ChannelActivatedV1(
                    channel_id=after.channel_id, at=at, version=after.version, external_id=after.external_id
                )
                self._deliver(delivery, None, activated)
        for limit in after.limits_beyond(before):
            known, kind, channel_id = before.limits.get(limit.kind), limit.kind, after.channel_id
            if limit.active:
                self._deliver(
                    delivery, None, ChannelRestrictedV1(channel_id=channel_id, kind=kind, at=at, until=limit.until)
                )
            elif known is not None and known.active:
                self._deliver(delivery, None, ChannelRestrictionLiftedV1(channel_id=channel_id, kind=kind, at=at))

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

    # over HTTP

    def created(self, row: Row, by: Caused) -> None:
        """A person or program connected a channel."""
        self._begin(ChannelCreatedV1(**_snapshot(row)), row, by)

    def updated(self, row: Row, changed: Sequence[str], by: Caused) -> None:
        """A person or program changed a channel's settings."""
        self._begin(ChannelUpdatedV1(**_snapshot(row), changed=tuple(changed)), row, by)

    def deleted(self, row: Row, by: Caused) -> None:
        """A person or program removed a channel."""
        self._begin(ChannelDeletedV1(channel_id=str(row["id"]), by=by.actor, at=self._now), row, by)

    def _begin(self, data: Any, row: Row, by: Caused) -> None:
        channel_id = str(row["id"])
        self._say(
            first_event(
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=channel_id,
                time=self._now,
                tenant_id=by.tenant_id,
                project_id=str(row["project_id"]),
                partition_key=channel_id,
                correlation_id=by.correlation_id,
                actor=by.actor,
                traceparent=by.traceparent,
            )
        )


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
