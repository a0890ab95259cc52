"""Messages of ours over HTTP: send, withdraw, try again, confirm by hand, and what each went through."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import Response
from kernel.cause import Cause
from kernel.errors import DomainError
from outbox.work import UnitOfWork
from web.auditing import TheTrail
from web.bodies import PathId
from web.caller import Caller, TheCaller, TheProject
from web.paging import ListAnswer
from web.permissions import RANKS
from web.routes import Routes
from web.sharing import Share
from web.works import Work

from messaging.application.cancel_message import cancel_message as cancel
from messaging.application.confirm_message import confirm_message
from messaging.application.reading import ReadingOf, Row
from messaging.application.retry_message import retry_message as retry
from messaging.application.send_message import send_messages
from messaging.application.work import Work as MessagingWork
from messaging.domain.arrival import Content
from messaging.domain.outgoing import Outgoing
from messaging.domain.wish import MARKETING, SERVICE, Wish
from messaging.entrypoints.http.schemas import MessageAnswer, message_answer, waiting_of
from messaging.entrypoints.http.sending_schemas import Confirmation, Send, SendAnswer, StepAnswer

WorkOf = Callable[[UnitOfWork], MessagingWork]
Draft = Callable[[UnitOfWork], Wish]
"""Makes a wish once its transaction has begun."""

SOMEBODY = "00000000-0000-0000-0000-000000000099"
"""The reserved agent who stands for callers that are nobody's agent."""


def sending_routes(work_of: WorkOf, reading_of: ReadingOf) -> Routes:
    """Return the routes of sending."""
    routes = Routes("messages")

    async def send_all(drafts: Sequence[Draft], work: UnitOfWork) -> Sequence[Outgoing | DomainError]:
        return await send_messages([draft(work) for draft in drafts], work_of(work))

    @routes.post("/crm/messages", permission="messages.send", status=202, together=send_all, response_model=SendAnswer)
    async def send_message(
        body: Send, share: Share, caller: TheCaller, project_id: TheProject, trail: TheTrail
    ) -> Response:
        """Queue a message. 202 means stored, never delivered: the answer says where to ask how far it has come."""
        body.check()
        if body.project_id not in (None, project_id):
            raise DomainError("not_found", "there is no such project")

        cause = caller.cause  # it tells of this request's trace: many are written together

        def draft(work: UnitOfWork) -> Wish:
            return _wish(
                caller,
                cause,
                project_id,
                work,
                Content("text", body.text),
                chat_id=body.chat_id,
                contact_id=body.contact_id,
                channel_id=body.channel_id,
                reply_to_message_id=body.reply_to_id,
                session_id=body.session_id,
                expires_at=work.now + body.expires_in,
                priority=body.priority or _usual_priority(caller),
                purpose=MARKETING if body.priority == "low" else SERVICE,
                simulate_typing=body.simulate_typing,
                link_preview=body.link_preview,
                metadata=json.dumps(body.metadata),
            )

        def accepted(message: Outgoing) -> Response:
            trail.about(message.wish.message_id)
            return _accepted(message)

        return await share.take(draft, accepted)

    @routes.post("/crm/messages/{message_id}/retry", permission="messages.send", status=202)
    async def retry_message(
        message_id: PathId, work: Work, caller: TheCaller, project_id: TheProject, response: Response
    ) -> SendAnswer:
        """Send a failed message again, as a new one."""
        failed = await _message_of_project(reading_of, work, caller, project_id, message_id)
        content = Content(failed["content_type"], failed["text"])
        priority = _usual_priority(caller)
        wish = _wish(caller, caller.cause, project_id, work, content, priority=priority)
        message = await retry(failed, wish, work_of(work))
        response.headers["Location"] = _address_of(message.wish.message_id)
        return _answer(message)

    @routes.post("/crm/messages/{message_id}/cancel", permission="messages.send", status=202)
    async def cancel_message(
        message_id: PathId, work: Work, caller: TheCaller, project_id: TheProject, response: Response
    ) -> MessageAnswer:
        """Withdraw a message that is still queued. Whether that was in time is told later: it becomes cancelled, or is sent."""
        await cancel(
            message_id,
            project_id=project_id,
            agent_id=_sender_id(caller),
            leads=caller.rank >= RANKS["supervisor"],
            by=caller.cause,
            work=work_of(work),
        )
        response.headers["Location"] = _address_of(message_id)
        return message_answer(await reading_of(work).message(caller.tenant_id, message_id))

    @routes.post("/crm/messages/{message_id}/mark-delivered", permission="messages.send")
    async def mark_delivered(
        message_id: PathId, body: Confirmation, work: Work, caller: TheCaller, project_id: TheProject
    ) -> MessageAnswer:
        """Tell what became of a message that only a person can know. It never moves backwards."""
        await confirm_message(
            message_id,
            body.status,
            at=body.occurred_at or work.now,
            external_id=body.external_id,
            failure_reason=body.failure_reason,
            project_id=project_id,
            by=caller.cause,
            work=work_of(work),
        )
        return message_answer(await reading_of(work).message(caller.tenant_id, message_id))

    @routes.get("/crm/messages/{message_id}/history", permission="messages.view")
    async def get_history(message_id: PathId, work: Work, caller: TheCaller) -> ListAnswer[StepAnswer]:
        """Read what a message went through."""
        reading = reading_of(work)
        message = await reading.message(caller.tenant_id, message_id)
        steps = [_step(row) for row in await reading.steps(caller.tenant_id, message_id)]
        return ListAnswer(data=[*_beginning(message), *steps], has_more=False, next_cursor=None)

    return routes


def _wish(caller: Caller, cause: Cause, project_id: str, work: UnitOfWork, content: Content, **more: Any) -> Wish:
    return Wish(
        tenant_id=caller.tenant_id,
        project_id=project_id,
        message_id=work.new_id(),
        content=content,
        sender_kind="agent" if caller.agent_id else "system",
        sender_id=_sender_id(caller),
        source="manual",
        cause=cause,
        **more,
    )


def _sender_id(caller: Caller) -> str:
    return caller.agent_id or SOMEBODY


def _usual_priority(caller: Caller) -> str:
    """People come before programs."""
    return "high" if caller.subject_kind == "user" else "normal"


async def _message_of_project(
    reading_of: ReadingOf, work: UnitOfWork, caller: Caller, project_id: str, message_id: str
) -> Row:
    row = await reading_of(work).message(caller.tenant_id, message_id)
    if str(row["project_id"]) != project_id:
        raise DomainError("not_found", "there is no such message")
    return row


def _answer(message: Outgoing) -> SendAnswer:
    return SendAnswer(
        message_id=message.wish.message_id,
        chat_id=message.chat.id,
        session_id=message.session_id,
        external_id=None,
        status=message.status,
        scheduled_at=None,
        sent_at=None,
        error=None,
        waiting=waiting_of(message.channel_status),
    )


def _accepted(message: Outgoing) -> Response:
    headers = {"Location": _address_of(message.wish.message_id)}
    return Response(_answer(message).model_dump_json(by_alias=True), 202, headers, "application/json")


def _address_of(message_id: str) -> str:
    return f"/api/v1/crm/messages/{message_id}"


def _step(row: Mapping[str, Any]) -> StepAnswer:
    return StepAnswer.of(row, detail=json.loads(row["detail"]))


def _beginning(message: Row) -> list[StepAnswer]:
    """What came on the line has no step of its own for that: its row says it."""
    if message["queued_at"] is not None:
        return []
    if message["direction"] == "inbound":
        return [StepAnswer(at=message["received_at"], step="received", status="delivered", detail={}, event_id=None)]
    detail = {"source": message["source"]}
    at = message["sent_at"] or message["received_at"]
    return [StepAnswer(at=at, step="sent", status="sent", detail=detail, event_id=None)]
