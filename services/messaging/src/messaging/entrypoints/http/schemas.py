"""What chats and messages look like over HTTP. Parts of the product that come later answer as empty."""

import json
from collections.abc import Mapping
from typing import Any

from web.bodies import Answer, Id, Time

from messaging.domain.sending_channel import waiting_for


class Participant(Answer):
    """Somebody in a chat."""

    id: Id
    type: str
    joined_at: Time
    left_at: Time | None
    is_admin: bool


class LastMessage(Answer):
    """The newest message of a chat, as a list of chats shows it."""

    id: Id
    text: str | None
    content_type: str
    from_me: bool
    timestamp: Time


class ChatAnswer(Answer):
    """A chat, whole."""

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    channel_id: Id
    channel_type: str
    chat_type: str
    external_id: str | None
    contact_id: Id | None
    subject: str | None
    description: str | None
    participants: list[Participant]
    status: str
    label_ids: list[Id] = []
    unread_count: int
    metadata: dict[str, Any]
    last_message_at: Time | None
    last_message: LastMessage | None
    window_closes_at: Time | None


class Sender(Answer):
    """Who speaks."""

    kind: str
    id: Id | None
    name: str | None


class MediaAnswer(Answer):
    """A file. There is no address before the file is ours."""

    media_id: Id
    url: str | None
    mimetype: str | None
    filename: str | None
    size_bytes: int | None
    duration_seconds: int | None
    state: str | None


class Quoted(Answer):
    """What a message answers."""

    id: Id
    text: str | None
    content_type: str


class Failure(Answer):
    """Why a message did not arrive."""

    code: str
    message: str | None
    at: Time | None


class LateAck(Answer):
    """A receipt that came after the end: the message did go out."""

    status: str
    at: Time


class Waiting(Answer):
    """Why a queued message has not left yet."""

    code: str
    detail: str


class MessageAnswer(Answer):
    """A message, whole."""

    audited = (
        "status",
        "chat_id",
        "channel_id",
        "contact_id",
        "external_id",
        "delivered_at",
        "read_at",
        "played_at",
        "failed_at",
    )

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    chat_id: Id
    session_id: Id | None
    contact_id: Id | None
    channel_id: Id
    channel_type: str
    direction: str
    from_me: bool
    sender: Sender
    agent_id: Id | None
    content_type: str
    text: str | None
    media: MediaAnswer | None
    location: dict[str, Any] | None = None
    contacts: list[dict[str, Any]] | None = None
    poll: dict[str, Any] | None = None
    list: dict[str, Any] | None = None
    buttons: dict[str, Any] | None = None
    template: dict[str, Any] | None = None
    interactive_reply: dict[str, Any] | None = None
    reply_to_id: Id | None
    quoted: Quoted | None
    forwarded: bool
    mentions: "Words"
    reactions: "Words" = []
    status: str
    waiting: Waiting | None
    failure: Failure | None
    late_ack: LateAck | None
    source: str | None
    external_id: str | None
    retry_of_id: Id | None
    language: str | None = None
    enrichment: dict[str, Any] | None = None
    metadata: dict[str, Any]
    sequence: int
    timestamp: Time
    received_at: Time
    scheduled_at: Time | None = None
    sent_at: Time | None
    delivered_at: Time | None
    read_at: Time | None
    played_at: Time | None
    failed_at: Time | None
    edited_at: Time | None = None
    revoked_at: Time | None = None
    unsupported_kind: str | None


Words = list[Any]

MessageAnswer.model_rebuild()


def chat_answer(row: Mapping[str, Any]) -> ChatAnswer:
    """Return the answer for a chat's row."""
    last = None
    if row["last_message_id"] is not None:
        last = LastMessage(
            id=row["last_message_id"],
            text=row["last_message_preview"],
            content_type=row["last_message_type"],
            from_me=not row["last_message_inbound"],
            timestamp=row["last_message_at"],
        )
    return ChatAnswer.of(
        row, participants=json.loads(row["participants"]), metadata=json.loads(row["metadata"]), last_message=last
    )


def message_answer(row: Mapping[str, Any]) -> MessageAnswer:
    """Return the answer for a message's row."""
    answers = row["reply_to_message_id"]
    failed = row["failure_code"]
    late = row["late_ack"]
    return MessageAnswer.of(
        row,
        **_details_of(row),
        sender=Sender(kind=row["sender_kind"], id=row["sender_id"], name=row["sender_name"]),
        media=_media_of(row),
        reply_to_id=answers,
        quoted=Quoted(id=answers, text=row["quoted_text"], content_type=row["quoted_content_type"])
        if answers
        else None,
        waiting=waiting_of(row["waits_for_channel"]),
        failure=Failure(code=failed, message=row["failure_message"], at=row["failed_at"]) if failed else None,
        late_ack=LateAck(status=late, at=row["late_ack_at"]) if late else None,
        mentions=json.loads(row["mentions"]),
        metadata=json.loads(row["metadata"]),
    )


def waiting_of(channel_status: str | None) -> Waiting | None:
    """Return why a queued message waits for its channel, or None where that works."""
    waits = waiting_for(channel_status)
    return Waiting(code=waits[0], detail=waits[1]) if waits else None


def _media_of(row: Mapping[str, Any]) -> MediaAnswer | None:
    if row["media_id"] is None:
        return None
    return MediaAnswer(
        media_id=row["media_id"],
        url=None,
        mimetype=row["media_mime_type"],
        filename=row["media_file_name"],
        size_bytes=row["media_size_bytes"],
        duration_seconds=row["media_duration_seconds"],
        state=row["media_state"],
    )


def _details_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a kind has besides text and file, under the name that the API gives it."""
    if row["details"] is None:
        return {}
    details = json.loads(row["details"])
    kind = details.pop("type", None)
    match row["content_type"]:
        case "text":
            return {"interactive_reply": details.get("interactive_reply")}
        case "contact":
            return {"contacts": details.get("contacts")}
        case "poll":
            options = [{"text": option, "votes": 0} for option in details.get("options", ())]
            return {"poll": {**details, "options": options}}
        case "location" | "list" | "buttons" | "template":
            return {kind: details}
    return {}
