"""Another service wants to speak: check it as at the door, then queue it, or keep it as failed. Nothing is dropped."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from messaging.application.choose_channels import choose_channels
from messaging.application.queue_messages import judge, queue
from messaging.application.work import Key, Work
from messaging.domain.wish import Wish

PATIENCE_S = 2.0
"""How long a wish waits for a contact that nobody has told us of yet: whoever wishes may have heard of it before us."""
LOOK_AGAIN_S = 0.1


async def compose_messages(wishes: Sequence[Wish], work: Work) -> None:
    """Queue a batch of wishes under the ids that their speakers gave them; a repeat changes nothing.

    Raises for a wish that names neither a chat nor somebody whom a channel could reach: it is parked alone.
    """
    known = await work.sendings.known({wish.key for wish in wishes})
    fresh: dict[Key, Wish] = {}
    for wish in wishes:
        if wish.key not in known:
            fresh.setdefault(wish.key, wish)
    if not fresh:
        return
    await _wait_for_strangers(list(fresh.values()), work)
    named = await _named(list(fresh.values()), work)
    cases, conversations = await judge(named, work)
    await queue(cases, conversations, work)


async def _wait_for_strangers(wishes: Sequence[Wish], work: Work) -> None:
    """Give the contacts that wishes name a moment to become known; no row is locked meanwhile."""
    wanted = {(wish.tenant_id, wish.contact_id) for wish in wishes if wish.contact_id is not None}
    waited_s = 0.0
    while wanted and waited_s < PATIENCE_S:
        wanted -= (await work.people.known(wanted)).keys()
        if wanted:
            await asyncio.sleep(LOOK_AGAIN_S)
            waited_s += LOOK_AGAIN_S


async def _named(wishes: Sequence[Wish], work: Work) -> list[Wish]:
    """Return the wishes with channel and contact, as far as these follow from what they say."""
    strangers = {
        (wish.tenant_id, wish.channel_id, wish.external_chat_id)
        for wish in wishes
        if wish.chat_key is None and wish.contact_id is None and wish.channel_id and wish.external_chat_id
    }
    behind = await work.people.behind(strangers) if strangers else {}
    everywhere = {
        (wish.tenant_id, wish.project_id, wish.contact_id)
        for wish in wishes
        if wish.chat_key is None and wish.channel_id is None and wish.contact_id
    }
    choices = await choose_channels(everywhere, work) if everywhere else {}
    named = []
    for wish in wishes:
        contact_id = wish.contact_id or behind.get((wish.tenant_id, wish.channel_id or "", wish.external_chat_id or ""))
        choice = choices.get((wish.tenant_id, wish.project_id, wish.contact_id or ""))
        if choice is not None and wish.channel_id is None and wish.chat_key is None:
            wish = replace(wish, channel_id=choice.channel_id, channels_in_question=choice.out_of)
        named.append(replace(wish, contact_id=contact_id))
    return named
