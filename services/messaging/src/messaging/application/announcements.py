"""What messaging says: the only file that builds its contract events."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from contracts.chat.created_v1 import ChatCreatedV1
from contracts.content import Text
from contracts.envelope import AnyEvent, Event, asked_event, caused_event, encode
from contracts.fields import SenderRef
from contracts.message.cancel_requested_v1 import MessageCancelRequestedV1
from contracts.message.cancelled_v1 import MessageCancelledV1
from contracts.message.delivered_v1 import MessageDeliveredV1
from contracts.message.failed_v1 import MessageFailedV1
from contracts.message.played_v1 import MessagePlayedV1
from contracts.message.read_v1 import MessageReadV1
from contracts.message.received_v1 import MessageReceivedV1
from contracts.message.recipient import Recipient
from contracts.message.send_requested_v1 import MessageSendRequestedV1
from contracts.message.sent_v1 import MessageSentV1
from contracts.message.unresolved_v1 import MessageUnresolvedV1
from kernel.cause import Cause
from msgspec import Raw

from messaging.domain.arrival import Content, Message
from messaging.domain.conversations import Chat
from messaging.domain.outgoing import Outgoing
from messaging.domain.progress import Rise, Tracked

SOURCE = "messaging"

# Whoever typed on the phone is the phone's owner; who in the company that is, we cannot know.
PHONE = SenderRef(kind="phone")
UNSAID_SOURCE = "phone"

RETRYABLE_REFUSALS = frozenset(("channel_disconnected", "expired", "no_address"))
"""What may be otherwise tomorrow."""


class Announcements:
    """Says events of one transaction. A `cause` is what was heard, or who asked."""

    def __init__(self, say: Callable[..., None], new_id: Callable[[], str], now: datetime) -> None:
        self._say = say
        self._new_id = new_id
        self._now = now

    def chat_created(self, chat: Chat) -> None:
        """A first message began a chat."""
        data = ChatCreatedV1(
            chat_id=chat.id,
            chat_key=chat.chat_key,
            chat_type=chat.chat_type,
            channel_id=chat.channel_id,
            version=1,
            contact_id=chat.contact_id,
            external_chat_id=chat.external_chat_id,
            subject=chat.subject,
            participants=(chat.contact_id,) if chat.contact_id else (),
        )
        self._tell(chat.cause, data, chat.project_id, subject=chat.id, key=chat.chat_key)

    # on the line

    def recorded(self, message: Message) -> None:
        """A message was stored: received from somebody, or sent from the phone."""
        if message.arrival.is_announced:
            if message.arrival.inbound:
                self._received(message)
            else:
                self._sent_from_the_phone(message)

    def _received(self, message: Message) -> None:
        heard = message.arrival.heard
        said = heard.data
        data = MessageReceivedV1(
            message_id=message.id,
            chat_id=message.chat_id,
            chat_key=said.chat_key,
            chat_type=said.chat_type,
            channel_id=said.channel_id,
            channel_type=said.channel_type,
            provider_message_id=said.provider_message_id,
            content=said.content,
            origin=said.origin,
            late=said.late,
            sequence=message.sequence,
            occurred_at=said.occurred_at,
            received_at=said.received_at,
            is_new_contact=said.is_new_contact,
            session_started=said.session_started,
            contact_id=said.contact_id,
            contact_name=said.contact_name,
            session_id=said.session_id,
            session_message_number=said.session_message_number,
            assigned_agent_id=said.assigned_agent_id,
            pipeline_id=said.pipeline_id,
            reply_to_message_id=message.reply_to_message_id,
            mentions=said.mentions,
            tracking_id=said.tracking_id,
            survey_id=said.survey_id,
        )
        self._tell(heard, data, None, subject=message.id, key=said.chat_key)

    def _sent_from_the_phone(self, message: Message) -> None:
        heard = message.arrival.heard
        said = heard.data
        data = MessageSentV1(
            message_id=message.id,
            chat_id=message.chat_id,
            chat_key=said.chat_key,
            channel_id=said.channel_id,
            sender=PHONE,
            source=message.arrival.source or UNSAID_SOURCE,
            provider_message_id=said.provider_message_id,
            content=said.content,
            origin=said.origin,
            sequence=message.sequence,
            occurred_at=said.occurred_at,
            sent_at=said.occurred_at,
            contact_id=said.contact_id,
            session_id=said.session_id,
        )
        self._tell(heard, data, None, subject=message.id, key=said.chat_key)

    # the way back

    def queued(self, message: Outgoing) -> None:
        """A message is to be sent, or was refused and will not be."""
        if message.refusal is None:
            self._send_requested(message)
            return
        wish, chat = message.wish, message.chat
        data = MessageFailedV1(
            message_id=wish.message_id,
            chat_id=chat.id,
            chat_key=chat.chat_key,
            channel_id=chat.channel_id,
            source=wish.source,
            code=message.refusal.code,
            reason=message.refusal.detail,
            retryable=message.refusal.code in RETRYABLE_REFUSALS,
            failed_at=message.queued_at,
            contact_id=chat.contact_id,
            session_id=message.session_id,
        )
        self._tell(
            wish.cause, data, wish.project_id, subject=wish.message_id, key=chat.chat_key, event_id=message.event_id
        )

    def _send_requested(self, message: Outgoing) -> None:
        wish, chat, address, quoted = message.wish, message.chat, message.address, message.quoted
        assert address is not None, "whom nobody can reach, nobody sends to"
        data = MessageSendRequestedV1(
            message_id=wish.message_id,
            chat_id=chat.id,
            chat_key=chat.chat_key,
            chat_type=chat.chat_type,
            channel_id=chat.channel_id,
            to=Recipient(external_chat_id=address.external_chat_id, phone=address.phone),
            content=content_said(wish.content),
            sender=SenderRef(kind=wish.sender_kind, id=wish.sender_id),
            source=wish.source,
            queued_at=message.queued_at,
            priority=wish.priority,
            contact_id=chat.contact_id,
            session_id=message.session_id,
            reply_to_provider_id=quoted.provider_message_id if quoted else None,
            reply_to_provider_ref=quoted.provider_message_ref if quoted else None,
            mentions=wish.mentions,
            expires_at=message.expires_at,
            simulate_typing=wish.simulate_typing,
            link_preview=wish.link_preview,
            first_contact=message.is_first_contact,
            origin_ref=wish.origin_ref,
        )
        self._tell(
            wish.cause, data, wish.project_id, subject=wish.message_id, key=chat.chat_key, event_id=message.event_id
        )

    def cancel_requested(self, message: Tracked, cause: Cause) -> str:
        """A person withdraws a message that is still queued. Return the event's id."""
        data = MessageCancelRequestedV1(message_id=message.id, channel_id=message.channel_id, chat_key=message.chat_key)
        return self._tell(cause, data, message.project_id, subject=message.id, key=message.chat_key)

    def risen(self, rise: Rise) -> str:
        """The status of a message of ours moved. Return the event's id."""
        message = rise.message
        data = _SAID_OF_STATUS[rise.status](rise, _about(message))
        return self._tell(rise.report.cause, data, message.project_id, subject=message.id, key=message.chat_key)

    def id_of(self, cause: AnyEvent | Cause) -> str:
        """Return the id under which a cause that nobody is told about is noted."""
        return cause.id if isinstance(cause, Event) else self._new_id()

    def _tell(
        self,
        cause: AnyEvent | Cause,
        data: Any,
        project_id: str | None,
        *,
        subject: str,
        key: str,
        event_id: str | None = None,
    ) -> str:
        """Say what follows from what was heard, or from what somebody asked for in a project; return the event's id."""
        event_id = event_id or self._new_id()
        about: dict[str, Any] = {"id": event_id, "source": SOURCE, "subject": subject, "time": self._now}
        if isinstance(cause, Cause):
            self._say(asked_event(cause, data, **about, project_id=project_id, partition_key=key))
        else:
            self._say(caused_event(cause, data, **about, partition_key=key))
        return event_id


def content_said(content: Content) -> Raw:
    """Return content as it travels."""
    if content.details is not None:
        return Raw(content.details.encode())
    assert content.kind == "text" and content.text is not None, "nothing else is sent yet"
    return Raw(encode(Text(text=content.text)))


def _about(message: Tracked) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "chat_id": message.chat_id,
        "chat_key": message.chat_key,
        "channel_id": message.channel_id,
        "source": message.source or UNSAID_SOURCE,
        "contact_id": message.contact_id,
        "session_id": message.session_id,
    }


def _sent(rise: Rise, about: dict[str, Any]) -> MessageSentV1:
    """The provider's id is empty where a person vouched for a message that nobody else knows of."""
    message = rise.message
    assert message.content is not None, "it is loaded as long as nobody was told"
    return MessageSentV1(
        **about,
        sender=SenderRef(kind=message.sender_kind, id=message.sender_id),
        provider_message_id=message.provider_message_id or "",
        content=Raw(message.content.encode()),
        origin="live",
        sequence=message.sequence,
        occurred_at=message.timestamp,
        sent_at=rise.report.at,
    )


def _failed(rise: Rise, about: dict[str, Any]) -> MessageFailedV1:
    failure = rise.report.failure
    assert failure is not None, "a failure has a reason"
    return MessageFailedV1(
        **about, code=failure.code, reason=failure.message, retryable=failure.retryable, failed_at=rise.report.at
    )


def _unresolved(rise: Rise, about: dict[str, Any]) -> MessageUnresolvedV1:
    return MessageUnresolvedV1(**about, detail=str(rise.report.detail.get("detail", "")), since=rise.report.at)


_SAID_OF_STATUS: dict[str, Callable[[Rise, dict[str, Any]], Any]] = {
    "sent": _sent,
    "delivered": lambda rise, about: MessageDeliveredV1(
        **about, previous_status=rise.previous, delivered_at=rise.report.at
    ),
    "read": lambda rise, about: MessageReadV1(**about, previous_status=rise.previous, read_at=rise.report.at),
    "played": lambda rise, about: MessagePlayedV1(**about, previous_status=rise.previous, played_at=rise.report.at),
    "failed": _failed,
    "unknown": _unresolved,
    "cancelled": lambda rise, about: MessageCancelledV1(**about, cancelled_at=rise.report.at),
}
