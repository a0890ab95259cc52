"""Remember which chat a chat key names."""

from collections.abc import Sequence

from session.application.work import KnownChat, Work


async def keep_chats(chats: Sequence[KnownChat], work: Work) -> None:
    """Keep the newest version of each; sessions find their chat there, whenever they began."""
    await work.chats.keep(chats)
