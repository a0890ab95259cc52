"""What messaging says: the only file that builds its contract events."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from contracts.chat.created_v1 import ChatCreatedV1
from contracts.envelope import AnyEvent, caused_event
from contracts.fields import SenderRef
from contracts.message.delivered_v1 import MessageDeliveredV1
from contracts.message.failed_v1 import MessageFailedV1
from contracts.message.played_v1 import MessagePlayedV1
from contracts.message.read_v1 import MessageReadV1
from contracts.message.received_v1 import MessageReceivedV1
from contracts.message.sent_v1 import MessageSentV1

from messaging.domain.acknowledgement import FAILED_BY_ACK, Rise
from messaging.domain.arrival import Message
from messaging.domain.conversations import Chat

SOURCE = "messaging"

# Whoever typed on the phone is the phone's owner; who in the company that is, we cannot know.
PHONE = SenderRef(kind="phone")
UNSAID_SOURCE = "phone"

_RISEN: dict[str, Any] = {"delivered": MessageDeliveredV1, "read": MessageReadV1, "played": MessagePlayedV1}


class Announcements:
    """Says events of one transaction."""

    def __init__(self, say: Callable[..., None], new_id: Callable[[], str], now: datetime) -> None:
        self._say = say
        self._new_id = new_id
        self._now = now

    def chat_created(self, chat: Chat) -> None:
        """A first message began a chat."""
        assert chat.first_arrival is not None, "a message began it"
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
        self._follow(chat.first_arrival.heard, data, subject=chat.id, key=chat.chat_key)

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
        self._follow(heard, data, subject=message.id, key=said.chat_key)

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
        self._follow(heard, data, subject=message.id, key=said.chat_key)

    def risen(self, rise: Rise) -> None:
        """The status of a message of ours moved."""
        message = rise.message
        about: dict[str, Any] = {
            "message_id": message.id,
            "chat_id": message.chat_id,
            "chat_key": message.chat_key,
            "channel_id": message.channel_id,
            "source": message.source or UNSAID_SOURCE,
            "contact_id": message.contact_id,
            "session_id": message.session_id,
        }
        if rise.status == "failed":
            failed = MessageFailedV1(
                **about, code=FAILED_BY_ACK.code, reason=FAILED_BY_ACK.message, retryable=True, failed_at=rise.at
            )
            self._follow(rise.heard, failed, subject=message.id, key=message.chat_key)
        elif rise.status in _RISEN:
            at = {f"{rise.status}_at": rise.at}
            risen = _RISEN[rise.status](**about, previous_status=rise.previous, **at)
            self._follow(rise.heard, risen, subject=message.id, key=message.chat_key)

    def _follow(self, heard: AnyEvent, data: Any, *, subject: str, key: str) -> None:
        self._say(
            caused_event(
                heard, data, id=self._new_id(), source=SOURCE, subject=subject, time=self._now, partition_key=key
            )
        )
