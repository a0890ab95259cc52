"""Who wrote a message, or whom a direct chat belongs to. Each engine hides the other identity elsewhere: guide 9.

What an engine says beside the payload is believed only where it agrees with the payload. A lid never becomes a phone,
and our own number never becomes the customer (for own messages the `…Alt` of the sender is ours).
"""

from collections.abc import Iterable
from typing import NamedTuple

from channel_gateway.adapters.waha.addresses import address, identity
from channel_gateway.adapters.waha.reading import Node, flag, fold, line
from channel_gateway.domain.inbound import Identity


class Evidence(NamedTuple):
    """What `_data` says about the people of a message; `*_alts` are their other addresses, None among them.

    `ours` are addresses of our own number, told by an own message.
    """

    chat: str | None = None
    writer: str | None = None
    from_me: bool | None = None
    peer_alts_incoming: tuple[str | None, ...] = ()
    peer_alts_own: tuple[str | None, ...] = ()
    writer_alts: tuple[str | None, ...] = ()
    ours: frozenset[str] = frozenset()
    push_name: str | None = None
    business_name: str | None = None


def read_evidence(data: Node) -> Evidence:
    """Return what the folded `_data` of any engine says, told by its shape."""
    if info := fold(data.get("info")):
        return _gows(info)
    if key := fold(data.get("key")):
        return _noweb(key, data)
    return _browser(data)


def _gows(info: Node) -> Evidence:
    writer, writer_alt = address(info.get("sender")), address(info.get("senderalt"))
    from_me = flag(info.get("isfromme"))
    details = fold(fold(info.get("verifiedname")).get("details"))
    return Evidence(
        chat=address(info.get("chat")),
        writer=writer,
        from_me=from_me,
        peer_alts_incoming=(writer, writer_alt),
        peer_alts_own=(address(info.get("recipientalt")),),
        writer_alts=(writer_alt,),
        ours=frozenset(known for known in (writer, writer_alt) if from_me and known),
        push_name=line(info.get("pushname")),
        business_name=line(details.get("verifiedname")),
    )


def _noweb(key: Node, data: Node) -> Evidence:
    peer_alt = address(key.get("remotejidalt"))
    member_keys = ("participantalt", "participantpn", "participantlid")
    return Evidence(
        chat=address(key.get("remotejid")),
        writer=address(key.get("participant")),
        from_me=flag(key.get("fromme")),
        peer_alts_incoming=(peer_alt, address(key.get("senderpn")), address(key.get("senderlid"))),
        peer_alts_own=(peer_alt,),
        writer_alts=tuple(address(key.get(name)) for name in member_keys),
        push_name=line(data.get("pushname")),
        business_name=line(data.get("verifiedbizname")),
    )


def _browser(data: Node) -> Evidence:
    sender = fold(data.get("sender"))  # WPP's; WEBJS has none
    said = flag(fold(data.get("id")).get("fromme"))
    return Evidence(
        writer=address(data.get("author")),
        from_me=flag(data.get("fromme")) if said is None else said,
        push_name=line(data.get("notifyname")) or line(data.get("pushname")) or line(sender.get("pushname")),
        business_name=line(data.get("verifiedname")) or line(sender.get("verifiedname")),
    )


def peer(chat: str, from_me: bool, evidence: Evidence, me: frozenset[str]) -> tuple[Identity, ...]:
    """Return the identities of the person whom a direct chat belongs to."""
    if evidence.from_me is not None and evidence.from_me is not from_me:
        return _linked(chat, (), me)
    alts = evidence.peer_alts_own if from_me else evidence.peer_alts_incoming
    return _linked(chat, (evidence.chat, *alts), me)


def writer(reported: str | None, evidence: Evidence, me: frozenset[str]) -> tuple[Identity, ...]:
    """Return the identities of the member who wrote into a group; () when nobody can be named."""
    return _linked(reported, (evidence.writer, *evidence.writer_alts), me) if reported else ()


def _linked(first: str, others: Iterable[str | None], me: frozenset[str]) -> tuple[Identity, ...]:
    """Return `first` and what is linked with it; `first` alone where the evidence speaks of somebody else."""
    known = identity(first)
    if known is None or first in me:
        return ()
    person = {known.kind: known}
    for other in others:
        if other is None or other in me or (found := identity(other)) is None:
            continue
        if person.setdefault(found.kind, found) != found:
            return (known,)
    if len({name.value.partition("@")[0] for name in person.values()}) < len(person):
        return (known,)  # the number of a lid with @c.us glued on: no phone
    return tuple(person.values())
