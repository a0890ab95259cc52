"""What messaging hears, as its neighbours say it: builders of events with usual values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from contracts.channel.activated_v1 import ChannelActivatedV1
from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.channel.deleted_v1 import ChannelDeletedV1
from contracts.channel.message_acked_v1 import ChannelMessageAckedV1
from contracts.channel.message_failed_v1 import ChannelMessageFailedV1
from contracts.channel.message_sent_v1 import ChannelMessageSentV1
from contracts.channel.message_unresolved_v1 import ChannelMessageUnresolvedV1
from contracts.channel.status_changed_v1 import ChannelStatusChangedV1
from contracts.channel.updated_v1 import ChannelUpdatedV1
from contracts.contact.created_v1 import ContactCreatedV1
from contracts.contact.deleted_v1 import ContactDeletedV1
from contracts.contact.identity_linked_v1 import ContactIdentityLinkedV1
from contracts.contact.known_identity import KnownIdentity
from contracts.contact.restored_v1 import ContactRestoredV1
from contracts.contact.updated_v1 import ContactUpdatedV1
from contracts.envelope import AnyEvent, first_event
from contracts.fields import ChannelSettings, SenderRef
from contracts.identity.project_activated_v1 import IdentityProjectActivatedV1
from contracts.identity.project_deactivated_v1 import IdentityProjectDeactivatedV1
from contracts.identity.project_deleted_v1 import IdentityProjectDeletedV1
from contracts.message.compose_requested_v1 import MessageComposeRequestedV1
from contracts.message.origin_ref import OriginRef
from contracts.message.recipient import Recipient
from contracts.session.ended_v1 import SessionEndedV1
from contracts.session.message_recorded_v1 import SessionMessageRecordedV1
from contracts.session.metrics import SessionMetrics
from contracts.session.started_v1 import SessionStartedV1
from kernel.ids import new_id

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CHANNEL = "00000000-0000-7000-8000-0000000000c1"
PROJECT = "00000000-0000-7000-8000-00000000000f"
ANA = "00000000-0000-7000-8000-00000000000c"
ANAS_ADDRESS = "12025550143@c.us"
RULE = "00000000-0000-7000-8000-0000000000d1"


def message(
    tenant: str,
    message_id: str = "",
    *,
    chat: str = "chat",
    at: float = 0,
    from_me: bool = False,
    chat_type: str = "individual",
    external: str = ANAS_ADDRESS,
    origin: str = "live",
    contact: str | None = ANA,
    session: str | None = None,
    content: dict[str, Any] | None = None,
    text: str = "hello",
    reply_to: str | None = None,
    channel: str = CHANNEL,
) -> AnyEvent:
    """Return session.message_recorded for a message written `at` minutes after noon."""
    occurred = NOON + timedelta(minutes=at)
    pid = message_id or new_id()
    data = SessionMessageRecordedV1(
        channel_id=channel,
        channel_type="waha",
        provider="waha",
        delivery_id=new_id(),
        provider_message_id=pid,
        provider_message_ref=f"{str(from_me).lower()}_{external}_{pid}",
        external_chat_id=external,
        chat_type=chat_type,
        from_me=from_me,
        direction="outbound" if from_me else "inbound",
        source="phone" if from_me else None,
        origin=origin,
        late=False,
        contact_identities=(),
        content=msgspec.Raw(msgspec.json.encode(content or {"type": "text", "text": text})),
        channel_settings=ChannelSettings(),
        occurred_at=occurred,
        received_at=occurred,
        chat_key=chat,
        contact_id=contact,
        contact_name="Ana",
        session_id=session,
        reply_to_provider_id=reply_to,
        chat_subject="Neighbours" if chat_type == "group" else None,
    )
    return _event(data, tenant, "session", chat)


def ack(
    tenant: str,
    message_id: str,
    level: int,
    *,
    at: float = 30,
    from_me: bool = True,
    participant: str | None = None,
    channel: str = CHANNEL,
) -> AnyEvent:
    """Return channel.message_acked for a message."""
    data = ChannelMessageAckedV1(
        channel_id=channel,
        provider_message_id=message_id,
        external_chat_id=ANAS_ADDRESS,
        from_me=from_me,
        level=level,
        level_name="",
        acked_at=NOON + timedelta(minutes=at),
        participant=participant,
    )
    return _event(data, tenant, "channel-gateway", f"{channel}:{ANAS_ADDRESS}")


def compose(
    tenant: str,
    message_id: str = "",
    *,
    text: str = "We open at nine.",
    content: dict[str, Any] | None = None,
    chat: str | None = None,
    contact: str | None = ANA,
    channel: str | None = CHANNEL,
    to: str | None = None,
    purpose: str = "service",
    reply_to: str | None = None,
    session: str | None = None,
    expires_at: datetime | None = None,
    project: str = PROJECT,
) -> AnyEvent:
    """Return message.compose_requested, as a rule says it."""
    data = MessageComposeRequestedV1(
        message_id=message_id or new_id(),
        content=msgspec.Raw(msgspec.json.encode(content or {"type": "text", "text": text})),
        sender=SenderRef(kind="system", id="00000000-0000-0000-0000-000000000003"),
        source="trigger",
        purpose=purpose,
        priority="high",
        chat_key=chat,
        contact_id=contact,
        channel_id=channel,
        to=Recipient(external_chat_id=to) if to else None,
        reply_to_message_id=reply_to,
        session_id=session,
        expires_at=expires_at,
        origin_ref=OriginRef(kind="rule", id=RULE, execution_id=new_id(), action_index=0),
    )
    key = chat or f"{channel}:{contact or to}"
    return _event(data, tenant, "pipeline-automation", key, actor=f"rule:{RULE}", hop=1, project=project)


def sent(
    tenant: str,
    message_id: str,
    provider_id: str,
    *,
    at: float = 10,
    evidence: str = "answer",
    external: str | None = None,
    channel: str = CHANNEL,
) -> AnyEvent:
    """Return channel.message_sent."""
    data = ChannelMessageSentV1(
        message_id=message_id,
        channel_id=channel,
        chat_key="",
        provider_message_id=provider_id,
        sent_at=NOON + timedelta(minutes=at),
        evidence=evidence,
        attempts=1,
        external_chat_id=external,
        provider_message_ref=f"true_{ANAS_ADDRESS}_{provider_id}",
    )
    return _event(data, tenant, "channel-gateway", "")


def failed(
    tenant: str, message_id: str, code: str = "not_on_whatsapp", *, at: float = 10, permanent: bool = True
) -> AnyEvent:
    """Return channel.message_failed."""
    data = ChannelMessageFailedV1(
        message_id=message_id,
        channel_id=CHANNEL,
        chat_key="",
        code=code,
        reason="WhatsApp knows nobody under this number",
        permanent=permanent,
        attempts=1,
        failed_at=NOON + timedelta(minutes=at),
    )
    return _event(data, tenant, "channel-gateway", "")


def unresolved(tenant: str, message_id: str, *, reserved: str | None = None, at: float = 10) -> AnyEvent:
    """Return channel.message_unresolved."""
    data = ChannelMessageUnresolvedV1(
        message_id=message_id,
        channel_id=CHANNEL,
        chat_key="",
        detail="the connection broke after the request was written",
        since=NOON + timedelta(minutes=at),
        reserved_provider_id=reserved,
    )
    return _event(data, tenant, "channel-gateway", "")


def channel(
    tenant: str,
    channel_id: str = CHANNEL,
    *,
    status: str = "active",
    version: int = 1,
    window: int | None = None,
    name: str = "Shop",
    project: str = PROJECT,
    changed: bool = False,
) -> AnyEvent:
    """Return channel.created, or channel.updated where `changed`."""
    kind: Any = ChannelUpdatedV1 if changed else ChannelCreatedV1
    data = kind(
        channel_id=channel_id,
        name=name,
        type="waha",
        status=status,
        allow_groups=True,
        tracking_enabled=True,
        ai_enabled=False,
        ai_agents_enabled=False,
        debounce_timeout_ms=15000,
        version=version,
        messaging_window_hours=window,
    )
    return _event(data, tenant, "channel-gateway", channel_id, project=project)


def channel_status(tenant: str, new: str, *, version: int, channel_id: str = CHANNEL) -> AnyEvent:
    """Return channel.status_changed, or channel.activated where it says `activated`."""
    data: Any = ChannelStatusChangedV1(channel_id=channel_id, old="", new=new, at=NOON, version=version)
    if new == "activated":
        data = ChannelActivatedV1(channel_id=channel_id, at=NOON, version=version)
    return _event(data, tenant, "channel-gateway", channel_id)


def project(tenant: str, what: str, *, version: int) -> AnyEvent:
    """Return identity.project_activated, deactivated or deleted."""
    kinds: dict[str, Any] = {
        "activated": IdentityProjectActivatedV1,
        "deactivated": IdentityProjectDeactivatedV1,
        "deleted": IdentityProjectDeletedV1,
    }
    return _event(kinds[what](project_id=PROJECT, version=version), tenant, "identity", PROJECT)


def channel_deleted(tenant: str, channel_id: str = CHANNEL) -> AnyEvent:
    """Return channel.deleted."""
    return _event(ChannelDeletedV1(channel_id=channel_id, by="user:1", at=NOON), tenant, "channel-gateway", channel_id)


def contact(
    tenant: str,
    contact_id: str = ANA,
    *,
    version: int = 1,
    phone: str | None = None,
    opted_out: bool = False,
    identities: tuple[tuple[str, str, str | None], ...] = (),
    name: str = "Ana",
    changed: bool = False,
    project: str = PROJECT,
) -> AnyEvent:
    """Return contact.created, or contact.updated where `changed`. Identities are (kind, value, channel)."""
    kind: Any = ContactUpdatedV1 if changed else ContactCreatedV1
    data = kind(
        contact_id=contact_id,
        name=name,
        name_source="push",
        origin="inbound",
        version=version,
        created_at=NOON,
        phone=phone,
        opted_out=opted_out,
        identities=tuple(KnownIdentity(kind=k, value=v, channel_id=c) for k, v, c in identities),
    )
    return _event(data, tenant, "contact", contact_id, project=project)


def contact_life(tenant: str, contact_id: str = ANA, *, deleted: bool, version: int) -> AnyEvent:
    """Return contact.deleted or contact.restored."""
    kind: Any = ContactDeletedV1 if deleted else ContactRestoredV1
    return _event(kind(contact_id=contact_id, at=NOON, version=version), tenant, "contact", contact_id)


def identity_linked(
    tenant: str, value: str, *, contact_id: str = ANA, kind: str = "wa_pn", channel: str | None = CHANNEL
) -> AnyEvent:
    """Return contact.identity_linked."""
    data = ContactIdentityLinkedV1(
        contact_id=contact_id, kind=kind, value=value, evidence=new_id(), verified=True, channel_id=channel
    )
    return _event(data, tenant, "contact", contact_id)


def session_started(tenant: str, session: str, *, chat: str = "chat") -> AnyEvent:
    """Return session.started."""
    data = SessionStartedV1(
        session_id=session,
        contact_id=ANA,
        chat_key=chat,
        channel_id=CHANNEL,
        channel_type="waha",
        origin="inbound",
        timeout_minutes=30,
        started_at=NOON,
    )
    return _event(data, tenant, "session", chat)


def session_ended(tenant: str, session: str, *, chat: str = "chat") -> AnyEvent:
    """Return session.ended."""
    data = SessionEndedV1(
        session_id=session,
        contact_id=ANA,
        chat_key=chat,
        channel_id=CHANNEL,
        channel_type="waha",
        started_at=NOON,
        ended_at=NOON + timedelta(minutes=30),
        end_reason="inactivity_timeout",
        duration_seconds=1800,
        metrics=SessionMetrics(total_messages=1, inbound_messages=1, outbound_messages=0),
    )
    return _event(data, tenant, "session", chat)


def _event(
    data: Any,
    tenant: str,
    source: str,
    key: str,
    *,
    actor: str = "provider:waha",
    hop: int = 0,
    project: str = PROJECT,
) -> AnyEvent:
    event = first_event(
        data,
        id=new_id(),
        source=source,
        subject=CHANNEL,
        time=NOON,
        tenant_id=tenant,
        project_id=project,
        partition_key=key,
        correlation_id=new_id(),
        actor=actor,
    )
    return msgspec.structs.replace(event, hop=hop)
