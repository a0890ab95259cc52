"""Store each message in its chat, once, in order."""

from collections.abc import Sequence

from messaging.application.store_progress import store_progress
from messaging.application.work import Stored, Work
from messaging.domain.acknowledgement import take_receipt
from messaging.domain.arrival import Arrival, Message, each_once
from messaging.domain.conversations import Conversations, resolve_replies
from messaging.domain.progress import Progress, Tracked


async def record_messages(arrivals: Sequence[Arrival], work: Work) -> None:
    """Store messages, beginning chats where there are none, and announce what was new.

    Four statements for messages of known chats, whatever their number. A race for a chat or an address ends in a unique
    violation, and the batch is repeated.
    """
    await work.messages.hold_receipts_back({(arrival.tenant_id, arrival.channel_id) for arrival in arrivals})
    arrivals, conversations = await _find_chats(each_once(arrivals), work)
    messages = [conversations.place(arrival, work.new_id) for arrival in arrivals]
    if not messages:
        return
    resolve_replies(messages)
    stored = {each.id: each for each in await work.messages.add(messages)}
    new = [message for message in messages if message.id in stored]
    if any(message.arrival.content.media for message in new):
        await work.messages.add_media([message for message in new if message.arrival.content.media])
    changed = {}
    for message, chat in conversations.of(new):
        message.reply_to_message_id = stored[message.id].reply_to_message_id
        chat.take(message)
        changed[chat.id] = chat
    if conversations.met:
        await work.chats.begin(conversations.met)
    await work.chats.keep([chat for chat in changed.values() if not chat.is_new])
    if any(chat.has_met for chat in changed.values()):
        await work.chats.introduce([chat for chat in changed.values() if chat.has_met])

    for chat in conversations.met:
        work.announcements.chat_created(chat)
    for message in new:
        work.announcements.recorded(message)
    await _apply_early([(message, stored[message.id]) for message in new if stored[message.id].early], work)


async def _find_chats(arrivals: Sequence[Arrival], work: Work) -> tuple[Sequence[Arrival], Conversations]:
    """Load the chats of arrivals; what seems to need a new chat is first looked at for being an old message."""
    conversations = Conversations()
    conversations.remember(await work.chats.by_key({(arrival.tenant_id, arrival.chat_key) for arrival in arrivals}))
    strangers = conversations.strangers(arrivals)
    if strangers:
        known = await work.messages.known(strangers)
        arrivals = [arrival for arrival in arrivals if arrival.message_key not in known]
    moved = conversations.moved(arrivals)
    if moved:
        conversations.remember(
            await work.chats.by_address({(each.tenant_id, each.channel_id, each.external_chat_id) for each in moved})
        )
    return arrivals, conversations


async def _apply_early(early: Sequence[tuple[Message, Stored]], work: Work) -> None:
    """Apply the receipts that came before their message."""
    if not early:
        return
    progress = Progress()
    for message, stored in early:
        tracked = _tracked(message)
        for level, at in stored.early:
            take_receipt(progress, tracked, level, at, message.arrival.heard)
    await store_progress(progress, work)


def _tracked(message: Message) -> Tracked:
    """Return a message that has just been stored as reports need it."""
    arrival = message.arrival
    return Tracked(
        arrival.tenant_id,
        message.id,
        arrival.project_id,
        message.chat_id,
        message.chat_key,
        arrival.channel_id,
        arrival.provider_message_id,
        arrival.provider_message_ref,
        arrival.contact_id,
        arrival.session_id,
        arrival.inbound,
        "contact" if arrival.inbound else "phone",
        None,
        arrival.source,
        message.status,
        arrival.occurred_at,
        message.sequence,
        arrival.occurred_at,
        None,
        None,
    )
