"""A person or program sends a message: everything that speaks against it is said at once, and nothing is stored then."""

from dataclasses import replace

from kernel.errors import DomainError, FieldError

from messaging.application.choose_channels import choose_channels
from messaging.application.queue_messages import judge, queue
from messaging.application.work import Work
from messaging.domain.outgoing import Outgoing
from messaging.domain.sending_rules import Circumstances, Refusal, refusal_of
from messaging.domain.wish import Wish

_OWN_PROBLEMS = frozenset(("window_closed", "not_supported_by_channel"))


async def send_message(wish: Wish, work: Work) -> Outgoing:
    """Queue a message. Raises not_found, invalid_state, ambiguous_channel, or why a rule refuses it."""
    await _check_contact(wish, work)
    if wish.chat_id is None and wish.channel_id is None and wish.contact_id is not None:
        contact = (wish.tenant_id, wish.project_id, wish.contact_id)
        choice = (await choose_channels({contact}, work))[contact]
        if choice.out_of > 1:
            detail = f"{choice.out_of} channels come into question: name one in channel_id"
            raise DomainError("ambiguous_channel", detail)
        wish = replace(wish, channel_id=choice.channel_id)
    (case,), conversations = await judge([wish], work)
    await _check_found(case, work)
    await _check_session(case, work)
    refusal = refusal_of(case, work.now)
    if refusal is not None:
        raise problem_of(refusal)
    (message,) = await queue([case], conversations, work)
    return message


def problem_of(refusal: Refusal) -> DomainError:
    """Return how a refusal is told over HTTP."""
    if refusal.state is not None:
        return DomainError("invalid_state", refusal.detail, current_state=refusal.state)
    if refusal.code in _OWN_PROBLEMS:
        return DomainError(refusal.code, refusal.detail)
    return DomainError("rule_violated", refusal.detail, rule=refusal.code)


async def _check_contact(wish: Wish, work: Work) -> None:
    if wish.contact_id is None:
        return
    key = (wish.tenant_id, wish.contact_id)
    person = (await work.people.known({key})).get(key)
    if person is None or person.deleted or person.project_id != wish.project_id:
        raise _unknown("contact_id", "there is no such contact; one that was just created is known within a second")


async def _check_found(case: Circumstances, work: Work) -> None:
    wish, chat, channel = case.wish, case.chat, case.channel
    if wish.chat_id is not None and (chat is None or chat.project_id != wish.project_id):
        if await work.chats.is_closed(wish.tenant_id, wish.project_id, wish.chat_id):
            raise DomainError("invalid_state", "the chat is closed, for good", current_state="closed")
        raise _unknown("chat_id", "there is no such chat")
    if wish.channel_id is not None and (channel is None or channel.deleted or channel.project_id != wish.project_id):
        raise _unknown("channel_id", "there is no such channel; one that was just created is known within a second")


async def _check_session(case: Circumstances, work: Work) -> None:
    if case.wish.session_id is None:
        return
    key = (case.wish.tenant_id, case.chat.chat_key if case.chat else case.wish.wanted_chat_key or "")
    if (await work.open_sessions.of_chats({key})).get(key) != case.wish.session_id:
        field = FieldError("/session_id", "not_allowed", "the open session of the chat expected, or none")
        raise DomainError("rule_violated", "it is not the open session of this chat", fields=(field,), rule="session")


def _unknown(field: str, detail: str) -> DomainError:
    return DomainError("not_found", detail, fields=(FieldError(f"/{field}", "not_found", detail),))
