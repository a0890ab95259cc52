"""Chats over HTTP: list, read."""

from typing import Annotated

from fastapi import Query
from postgres.listing import Listing
from web.bodies import Id, PathId, Time
from web.caller import TheCaller, TheProject
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from messaging.application.reading import ReadingOf
from messaging.entrypoints.http.schemas import ChatAnswer, chat_answer

OneId = Annotated[Id | None, Query()]
When = Annotated[Time | None, Query()]


def chat_routes(reading_of: ReadingOf, chats: Listing) -> Routes:
    """Return the routes of chats; `chats` is the list that people may ask for."""
    routes = Routes("chats")

    @routes.get("/crm/chats", permission="messages.view")
    async def list_chats(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(chats, sort="-last_message_at")],
        contact_id: OneId = None,
        channel_id: OneId = None,
        status: Annotated[list[str] | None, Query(), AnyOf("active", "archived", "closed")] = None,
        chat_type: Annotated[list[str] | None, Query(), AnyOf("individual", "group", "channel")] = None,
        unread: Annotated[bool | None, Query()] = None,
        last_message_after: When = None,
        last_message_before: When = None,
    ) -> ListAnswer[ChatAnswer]:
        """List chats, those with the newest messages first."""
        wanted = {
            "contact_id": contact_id,
            "channel_id": channel_id,
            "status": status,
            "chat_type": chat_type,
            "unread": unread or None,
            "seen": True if unread is False else None,
            "put_away": True if status and "active" not in status else None,
            "of_many": True if chat_type and "individual" not in chat_type else None,
            "last_message_after": last_message_after,
            "last_message_before": last_message_before,
        }
        return await page.answer(work.connection, caller.tenant_id, project_id, wanted=wanted, item=chat_answer)

    @routes.get("/crm/chats/{chat_id}", permission="messages.view")
    async def get_chat(chat_id: PathId, work: Work, caller: TheCaller) -> ChatAnswer:
        """Read one chat."""
        return chat_answer(await reading_of(work).chat(caller.tenant_id, chat_id))

    return routes
