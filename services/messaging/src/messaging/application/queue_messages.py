"""Judge what somebody wants to say, and queue it: the one way by which a message of ours comes to be sent."""

from collections.abc import Sequence
from dataclasses import replace

from kernel.errors import DomainError

from messaging.application.work import Work
from messaging.domain.conversations import Chat, Conversations
from messaging.domain.outgoing import Outgoing, place_of
from messaging.domain.reaching import Address, Person, address_of
from messaging.domain.sending_channel import SendingChannel
from messaging.domain.sending_rules import Circumstances, refusal_of
from messaging.domain.wish import Wish


async def judge(wishes: Sequence[Wish], work: Work) -> tuple[list[Circumstances], Conversations]:
    """Return what is known about each wish. Its chat is locked until the transaction ends, so nothing overtakes it."""
    conversations = await _find_chats(wishes, work)
    chats = [_chat_of(wish, conversations) for wish in wishes]
    channel_keys = [_channel_key(wish, chat) for wish, chat in zip(wishes, chats, strict=True)]
    person_keys = [_person_key(wish, chat) for wish, chat in zip(wishes, chats, strict=True)]
    channels = await work.channels.known({key for key in channel_keys if key})
    people = await work.people.known(keys) if (keys := {key for key in person_keys if key}) else {}
    quoted = {(wish.tenant_id, wish.reply_to_message_id) for wish in wishes if wish.reply_to_message_id is not None}
    quotes = await work.sendings.quoted(quoted) if quoted else {}
    cases = []
    for wish, chat, channel_key, person_key in zip(wishes, chats, channel_keys, person_keys, strict=True):
        channel = channels.get(channel_key) if channel_key else None
        person = people.get(person_key) if person_key else None
        quote = quotes.get((wish.tenant_id, wish.reply_to_message_id)) if wish.reply_to_message_id else None
        cases.append(Circumstances(wish, chat, channel, person, _address(wish, chat, channel, person), quote))
    return await _look_under_addresses(cases, conversations, work), conversations


async def _look_under_addresses(
    cases: list[Circumstances], conversations: Conversations, work: Work
) -> list[Circumstances]:
    """Find the chats that the provider knows by the address of a person, where their key is another one."""
    wanted = {
        (case.wish.tenant_id, case.channel.id, case.address.external_chat_id)
        for case in cases
        if case.chat is None and case.channel and case.address and case.address.external_chat_id
    }
    if not wanted:
        return cases
    conversations.remember(await work.chats.by_address(wanted))
    return [
        replace(case, chat=conversations.with_address(case.wish.tenant_id, case.channel.id, external_chat_id))
        if case.chat is None
        and case.channel
        and (external_chat_id := case.address.external_chat_id if case.address else None)
        else case
        for case in cases
    ]


async def queue(cases: Sequence[Circumstances], conversations: Conversations, work: Work) -> list[Outgoing]:
    """Store messages, queued or failed, each with its event; return those that were new."""
    chats = [case.chat or _begin(case, conversations, work) for case in cases]
    keys = {
        (chat.tenant_id, chat.chat_key) for case, chat in zip(cases, chats, strict=True) if not case.wish.session_id
    }
    sessions = await work.open_sessions.of_chats(keys) if keys else {}
    messages = [_outgoing(case, chat, sessions, work) for case, chat in zip(cases, chats, strict=True)]
    stored = await work.sendings.add(messages)
    new = [message for message in messages if message.wish.key in stored]
    await _keep_chats(new, conversations.met, work)
    for chat in conversations.met:
        work.announcements.chat_created(chat)
    for message in new:
        work.announcements.queued(message)
    return new


async def _find_chats(wishes: Sequence[Wish], work: Work) -> Conversations:
    conversations = Conversations()
    ids = {(wish.tenant_id, wish.chat_id) for wish in wishes if wish.chat_id is not None}
    keys = {(wish.tenant_id, key) for wish in wishes if wish.chat_id is None and (key := wish.wanted_chat_key)}
    if ids:
        conversations.remember(await work.chats.by_id(ids))
    if keys:
        conversations.remember(await work.chats.by_key(keys))
    return conversations


def _chat_of(wish: Wish, conversations: Conversations) -> Chat | None:
    if wish.chat_id is not None:
        return conversations.with_id(wish.tenant_id, wish.chat_id)
    key = wish.wanted_chat_key
    return conversations.with_key(wish.tenant_id, key) if key else None


def _channel_key(wish: Wish, chat: Chat | None) -> tuple[str, str] | None:
    channel_id = chat.channel_id if chat else wish.channel_id
    return None if channel_id is None else (wish.tenant_id, channel_id)


def _person_key(wish: Wish, chat: Chat | None) -> tuple[str, str] | None:
    contact_id = chat.contact_id if chat else wish.contact_id
    return None if contact_id is None else (wish.tenant_id, contact_id)


def _address(wish: Wish, chat: Chat | None, channel: SendingChannel | None, person: Person | None) -> Address | None:
    """The chat's own id first, exactly as reported; then where the person is known; then what the wish says."""
    if chat is not None and chat.external_chat_id is not None:
        return Address(external_chat_id=chat.external_chat_id)
    found = address_of(person, channel.id) if person is not None and channel is not None else None
    if found is None and (wish.external_chat_id is not None or wish.phone is not None):
        return Address(external_chat_id=wish.external_chat_id, phone=wish.phone)
    return found


def _begin(case: Circumstances, conversations: Conversations, work: Work) -> Chat:
    place = place_of(case)
    if place is None:
        raise DomainError("no_address", "it names no chat, and not both a channel and somebody on it")
    return conversations.chat_of(place, case.wish.cause, work.new_id)


def _outgoing(case: Circumstances, chat: Chat, sessions: dict[tuple[str, str], str], work: Work) -> Outgoing:
    wish = case.wish
    return Outgoing(
        wish,
        chat,
        chat.next_sequence(),
        work.now,
        case.expires_at(work.now),
        work.new_id(),
        case.address,
        case.quoted,
        wish.session_id or sessions.get((chat.tenant_id, chat.chat_key)),
        refusal_of(case, work.now),
        case.channel.status if case.channel else None,
    )


async def _keep_chats(messages: Sequence[Outgoing], met: Sequence[Chat], work: Work) -> None:
    """Show what is queued in its chat. What was refused counts, and changes nothing else."""
    spoken, counted = {}, {}
    for message in messages:
        chat = message.chat
        if message.refusal is None:
            content = message.wish.content
            place = (message.queued_at, message.sequence)
            chat.show(message.wish.message_id, place, content.kind, content.text, inbound=False)
            spoken[chat.id] = chat
        else:
            counted[chat.id] = chat
    if met:
        await work.chats.begin(met)
    await work.chats.keep([chat for chat in spoken.values() if not chat.is_new])
    await work.chats.count([chat for chat in counted.values() if chat.id not in spoken and not chat.is_new])
