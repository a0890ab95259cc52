"""WhatsApp's addresses: people, groups, and what is none of ours. Rules: guide 7.6, 7.7 and 9."""

import re
from functools import lru_cache
from typing import Any

from channel_gateway.adapters.waha.reading import LONGEST_ID, text
from channel_gateway.domain.inbound import ChatType, Identity, IdentityKind

_DEVICE = re.compile(r"[.:].*", re.DOTALL)
_SAME_SERVER = {"s.whatsapp.net": "c.us", "hosted": "c.us", "hosted.lid": "lid"}
_PEOPLE: dict[str, IdentityKind] = {"c.us": "wa_pn", "lid": "wa_lid"}
_CHAT_TYPES: dict[str, ChatType] = {"c.us": "individual", "lid": "individual", "g.us": "group", "newsletter": "channel"}
_NOISE_BY_ADDRESS = {"status@broadcast": "story", "0@c.us": "system_number"}
_NOISE_BY_SERVER = {
    "newsletter": "newsletter",
    "broadcast": "broadcast_list",
    "bot": "assistant",
    "meta.ai": "assistant",
}


def address(value: Any) -> str | None:
    """Return an address in the one form that we use: no device, `@c.us` for `@s.whatsapp.net`. None when it is none.

    `@hosted` and `@hosted.lid` are the same people's devices in Meta's cloud.
    Takes a string, or the object that browser engines write (`{_serialized}` or `{user, server}`).
    """
    if isinstance(value, dict):
        value = value.get("_serialized") or f"{value.get('user', '')}@{value.get('server', '')}"
    return _address(value) if isinstance(value, str) and 0 < len(value) <= LONGEST_ID else None


@lru_cache(maxsize=10_000)  # every message names our own number and its chat several times
def _address(value: str) -> str | None:
    written = text(value)
    if written is None:
        return None
    local, at, server = written.strip().partition("@")
    server = server.lower()
    server = _SAME_SERVER.get(server, server)
    if server in _PEOPLE:
        local = _DEVICE.sub("", local)
    return f"{local}@{server}" if local and at and server and "@" not in server else None


def server_of(known: str) -> str:
    return known.rpartition("@")[2]


def is_person(known: str) -> bool:
    return server_of(known) in _PEOPLE


def identity(known: str) -> Identity | None:
    """Return who the address names; None for groups and for an address that is not made of digits."""
    local, _, server = known.rpartition("@")
    kind = _PEOPLE.get(server)
    return Identity(kind, known) if kind and local.isascii() and local.isdigit() else None


def chat_type(known: str) -> ChatType | None:
    return _CHAT_TYPES.get(server_of(known))


def noise(chat: str) -> str | None:
    """Return why a chat is none of ours (stories, newsletters, assistants, WhatsApp itself), or None."""
    return _NOISE_BY_ADDRESS.get(chat) or _NOISE_BY_SERVER.get(server_of(chat))
