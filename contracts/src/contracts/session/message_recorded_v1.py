"""session.message_recorded.v1: a message on the line, now with the session it belongs to."""

from typing import ClassVar

from contracts.contact.sender_identified_v1 import ContactSenderIdentifiedV1


class SessionMessageRecordedV1(ContactSenderIdentifiedV1, kw_only=True):
    """Messages of groups and own messages outside of any session carry no session."""

    TYPE: ClassVar[str] = "session.message_recorded.v1"

    session_started: bool = False
    session_id: str | None = None
    session_message_number: int | None = None
    assigned_agent_id: str | None = None
    pipeline_id: str | None = None
    survey_id: str | None = None
