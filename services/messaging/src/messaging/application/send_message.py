"""A person or program sends a message: everything that speaks against it is said at once, and nothing is stored then."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from kernel.errors import DomainError, FieldError

from messaging.application.choose_channels import choose_channels
from messaging.application.queue_messages import judge, queue
from messaging.application.work import Work
from messaging.domain.conversations import Conversations
from messaging.domain.outgoing import Outgoing
from messaging.domain.sending_rules import Circumstances, Refusal, refusal_of
from messaging.domain.wish import Wish

T = TypeVar("T")

_OWN_PROBLEMS = frozenset(("window_closed", "not_supported_by_channel"))


async def send_message(wish: Wish, work: Work) -> Outgoing:
    """Queue a message. Raises not_found, invalid_state, ambiguous_channel, or why a rule refuses it."""
    (outcome,) = await send_messages([wish], work)
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


async def send_messages(wishes: Sequence[Wish], work: Work) -> list[Outgoing | DomainError]:
    """Queue messages, in this order; return each, or why it is not queued."""
    outcomes: dict[str, Outgoing | DomainError] = {}
    named = await _passing(wishes, lambda wish: wish, lambda wish: _named(wish, work), outcomes)
    cases, conversations = await judge(named, work) if named else ([], Conversations())
    cases = await _passing(cases, lambda case: case.wish, lambda case: _checked(case, work), outcomes)
    for message in await queue(cases, conversations, work) if cases else []:
        outcomes[message.wish.message_id] = message
    return [outcomes[wish.message_id] for wish in wishes]


async def _passing(
    items: Iterable[T],
    wish_of: Callable[[T], Wish],
    check: Callable[[T], Awaitable[T]],
    refused: dict[str, Outgoing | DomainError],
) -> list[T]:
    """Return what the check lets pass; note the others with the reason."""
    passing = []
    for item in items:
        try:
            passing.append(await check(item))
        except DomainError as error:
            refused[wish_of(item).message_id] = error
    return passing


async def _named(wish: Wish, work: Work) -> Wish:
    """Return the wish with the channel that it goes through, as far as it follows from what it says."""
    await _check_contact(wish, work)
    if wish.chat_id is None and wish.channel_id is None and wish.contact_id is not None:
        contact = (wish.tenant_id, wish.project_id, wish.contact_id)
        choice = (await choose_channels({contact}, work))[contact]
        if choice.out_of > 1:
            detail = f"{choice.out_of} channels come into question: name one in channel_id"
            raise DomainError("ambiguous_channel", detail)
        wish = replace(wish, channel_id=choice.channel_id)
    return wish


async def _checked(case: Circumstances, work: Work) -> Circumstances:
    await _check_found(case, work)
    await _check_session(case, work)
    refusal = refusal_of(case, work.now)
    if refusal is not None:
        raise problem_of(refusal)
    return case


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
