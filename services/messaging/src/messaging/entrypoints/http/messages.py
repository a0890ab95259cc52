"""Messages over HTTP: list, read."""

from typing import Annotated

from fastapi import Query
from postgres.listing import Listing
from pydantic import BeforeValidator, WithJsonSchema
from web.bodies import Id, PathId, Time, read_id
from web.caller import TheCaller, TheProject
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from messaging.application.reading import ReadingOf
from messaging.domain.status import STATUSES, UNSETTLED
from messaging.entrypoints.http.schemas import MessageAnswer, message_answer

OneId = Annotated[Id | None, Query()]
When = Annotated[Time | None, Query()]
YesOrNo = Annotated[bool | None, Query()]

ME = "me"
NOBODY = "00000000-0000-0000-0000-000000000000"
"""What `me` means for a caller who is nobody's agent."""

AgentOrMe = Annotated[
    str,
    BeforeValidator(lambda value: value if value == ME else read_id(value)),
    WithJsonSchema({"type": "string", "description": "the id of an agent, or `me`"}),
]

CONTENT_TYPES = (
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
    "system",
    "unsupported",
)
SOURCES = (
    "manual",
    "broadcast",
    "sequence",
    "trigger",
    "bot",
    "system",
    "webhook",
    "scheduled",
    "test",
    "history_import",
    "campaign",
    "phone",
    "reconciled",
    "csat",
)


def message_routes(reading_of: ReadingOf, messages: Listing) -> Routes:
    """Return the routes of messages; `messages` is the list that people may ask for."""
    routes = Routes("messages")

    @routes.get("/crm/messages", permission="messages.view")
    async def list_messages(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(messages, sort="-timestamp")],
        chat_id: OneId = None,
        session_id: OneId = None,
        contact_id: OneId = None,
        channel_id: OneId = None,
        agent_id: Annotated[AgentOrMe | None, Query()] = None,
        external_id: Annotated[str | None, Query(min_length=1, max_length=255)] = None,
        direction: Annotated[list[str] | None, Query(), AnyOf("inbound", "outbound")] = None,
        from_me: YesOrNo = None,
        content_type: Annotated[list[str] | None, Query(), AnyOf(*CONTENT_TYPES)] = None,
        status: Annotated[list[str] | None, Query(), AnyOf(*STATUSES)] = None,
        source: Annotated[list[str] | None, Query(), AnyOf(*SOURCES)] = None,
        has_media: YesOrNo = None,
        timestamp_after: When = None,
        timestamp_before: When = None,
    ) -> ListAnswer[MessageAnswer]:
        """List messages in the order of their chat, the newest first."""
        wanted = {
            "chat_id": chat_id,
            "session_id": session_id,
            "contact_id": contact_id,
            "channel_id": channel_id,
            "agent_id": (caller.agent_id or NOBODY) if agent_id == ME else agent_id,
            "external_id": external_id,
            "direction": direction,
            "from_me": from_me,
            "content_type": content_type,
            "status": status,
            "unsettled": True if status and UNSETTLED.issuperset(status) else None,
            "source": source,
            "has_media": has_media,
            "timestamp_after": timestamp_after,
            "timestamp_before": timestamp_before,
        }
        fixed = (caller.tenant_id, project_id)
        found = await page.page(work.connection, *fixed, wanted=wanted)
        total = await page.total(work.connection, *fixed, wanted=wanted)
        rows = await reading_of(work).messages(caller.tenant_id, [row["id"] for row in found.rows])
        return page.answer_of([message_answer(row) for row in rows], found.next_cursor, total)

    @routes.get("/crm/messages/{message_id}", permission="messages.view")
    async def get_message(message_id: PathId, work: Work, caller: TheCaller) -> MessageAnswer:
        """Read one message."""
        return message_answer(await reading_of(work).message(caller.tenant_id, message_id))

    return routes
