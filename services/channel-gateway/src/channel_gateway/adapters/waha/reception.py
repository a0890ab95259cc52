"""How a delivery came in: what the body itself does not tell."""

from datetime import datetime
from typing import NamedTuple

from channel_gateway.adapters.waha.addresses import noise, server_of

# What `from` of a payload holds, by engine: guide 6.1.
CHAT_IN_FROM = frozenset({"GOWS", "NOWEB"})
SENDER_IN_FROM = frozenset({"WEBJS", "WPP"})


class Reception(NamedTuple):
    """`engine` is the body's, else the channel's, else None. `allow_groups` is the channel's setting."""

    engine: str | None
    received_at: datetime
    allow_groups: bool

    def unwanted(self, chat: str) -> str | None:
        """Return why nothing in this chat concerns us, or None."""
        if not self.allow_groups and server_of(chat) == "g.us":
            return "groups_not_allowed"
        return noise(chat)
