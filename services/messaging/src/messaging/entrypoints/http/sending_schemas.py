"""What people and programs say to send a message, and what they are answered."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from kernel.errors import DomainError, FieldError
from pydantic import Field
from web.bodies import Answer, Body, Id, Time

from messaging.entrypoints.http.schemas import Waiting

MOST_CHARACTERS = 4096
MOST_METADATA_BYTES = 4096

SendingKind = Literal[
    "text",
    "image",
    "video",
    "audio",
    "voice",
    "document",
    "sticker",
    "location",
    "contact",
    "poll",
    "list",
    "buttons",
    "template",
]
OF_OTHER_KINDS = ("media", "media_url", "location", "contacts", "poll", "list", "buttons", "template")
"""Fields that a text has no use for."""

Anything = dict[str, Any]


class Send(Body):
    """A message to send. Only text is sent so far; `priority` is `high` for people and `normal` for programs unless said otherwise.

    `low` means many receivers: who wants no advertising gets none.
    """

    contact_id: Id | None = None
    chat_id: Id | None = None
    channel_id: Id | None = None
    project_id: Id | None = None
    content_type: SendingKind
    text: Annotated[str, Field(max_length=MOST_CHARACTERS)] | None = None
    media: Anything | None = None
    media_url: str | None = None
    location: Anything | None = None
    contacts: Annotated[list[Anything], Field(max_length=10)] | None = None
    poll: Anything | None = None
    buttons: Anything | None = None
    template: Anything | None = None
    reply_to_id: Id | None = None
    mentions: Annotated[list[str], Field(max_length=100)] | None = None
    link_preview: bool = True
    session_id: Id | None = None
    scheduled_at: Time | None = None
    expires_in_seconds: Annotated[int, Field(ge=60, le=604_800)] = 86_400
    priority: Literal["low", "normal", "high"] | None = None
    variables: Anything | None = None
    simulate_typing: bool | None = None
    metadata: Annotated[Anything, Field(default_factory=dict)]
    list: Anything | None = None

    def check(self) -> None:
        """Raise validation_failed for fields that do not go together, and the code of what cannot be done yet."""
        problems = tuple(self._problems())
        if problems:
            count = "1 field needs" if len(problems) == 1 else f"{len(problems)} fields need"
            raise DomainError("validation_failed", f"{count} attention", fields=problems)
        if self.content_type != "text":
            detail = f"messages of the kind {self.content_type} cannot be sent yet: only text can"
            field = FieldError("/content_type", "not_allowed", detail)
            raise DomainError("not_supported_by_channel", detail, fields=(field,))
        for name, detail in _NOT_YET.items():
            if getattr(self, name):
                raise DomainError(
                    "rule_violated", detail, fields=(FieldError(f"/{name}", "not_allowed", detail),), rule=name
                )

    def _problems(self) -> Iterator[FieldError]:
        if self.contact_id is None and self.chat_id is None:
            yield FieldError("/contact_id", "missing", "contact_id or chat_id expected")
        if self.chat_id is not None:
            for name in ("contact_id", "channel_id"):
                if getattr(self, name) is not None:
                    yield FieldError(f"/{name}", "not_allowed", "the chat says it already")
        if self.content_type == "text":
            if self.text is None:
                yield FieldError("/text", "missing", "required")
            elif not self.text.strip():
                yield FieldError("/text", "too_short", "a text that is not blank expected")
            for name in OF_OTHER_KINDS:
                if getattr(self, name) is not None:
                    yield FieldError(f"/{name}", "not_allowed", "a text has none")
        if len(json.dumps(self.metadata, ensure_ascii=False).encode()) > MOST_METADATA_BYTES:
            yield FieldError("/metadata", "too_long", f"at most {MOST_METADATA_BYTES} bytes of JSON expected")

    @property
    def expires_in(self) -> timedelta:
        """Return for how long it may wait."""
        return timedelta(seconds=self.expires_in_seconds)


_NOT_YET = {
    "scheduled_at": "messages cannot be scheduled yet: leave scheduled_at out to send it now",
    "variables": "placeholders cannot be filled yet: send the finished text without variables",
    "mentions": "nobody can be mentioned yet: leave mentions out",
}


class Confirmation(Body):
    """What a person knows of a message."""

    status: Literal["sent", "delivered", "read", "played", "failed"] = "delivered"
    occurred_at: Time | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    failure_reason: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class SendAnswer(Answer):
    """A message that is stored and will be sent: nothing is known of its delivery yet."""

    message_id: Id
    chat_id: Id
    session_id: Id | None
    external_id: str | None
    status: str
    scheduled_at: Time | None
    sent_at: Time | None
    error: str | None
    waiting: Waiting | None


class StepAnswer(Answer):
    """One thing that happened to a message. `event_id` is that of the event which told of it, where one is known."""

    at: Time
    step: str
    status: str | None
    detail: dict[str, Any]
    event_id: Id | None
