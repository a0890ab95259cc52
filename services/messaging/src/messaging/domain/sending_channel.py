"""A channel, as far as sending through it is concerned."""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.errors import DomainError

WORKING = "active"
OFF = frozenset(("inactive", "error"))
"""Somebody has to do something before it works. In every other state it is expected back by itself."""

_AWAY = {
    "resting": "the project rests; the message leaves when it works again",
    "activating": "the channel is being activated; the message leaves when it works",
    "connecting": "the channel is connecting; the message leaves when it works",
    "disconnected": "the channel has lost its connection; the message leaves when it is back",
    "inactive": "the channel was switched off; the message leaves when it works again",
    "error": "the channel has an error; the message leaves when it works again",
}
_AWAY_SOMEHOW = "the channel does not work at the moment; the message leaves when it does"


@dataclass(frozen=True, slots=True)
class SendingChannel:
    """`status` is None as long as nobody has told it. `project_rests`: nothing is sent in its project."""

    tenant_id: str
    id: str
    project_id: str
    type: str
    status: str | None
    messaging_window_hours: int | None
    deleted: bool
    project_rests: bool = False

    @property
    def is_off(self) -> bool:
        """Tell whether nothing may be queued for it."""
        return self.status in OFF


def waiting_for(channel_status: str | None) -> tuple[str, str] | None:
    """Return why a queued message waits (code, words for people), or None where its channel works or is not known.

    In a project that rests the channels do, too.
    """
    if channel_status is None or channel_status == WORKING:
        return None
    return "channel_disconnected", _AWAY.get(channel_status, _AWAY_SOMEHOW)


@dataclass(frozen=True, slots=True)
class Choice:
    """The channel that is meant where none is named, out of how many that come into question: of several it is the oldest."""

    channel_id: str
    out_of: int = 1


def choose(channels: Sequence[SendingChannel]) -> Choice:
    """Choose out of the channels of a project, the oldest first: one that works, else one that is expected to, else any.

    Raises ambiguous_channel where there is none at all.
    """
    working = [channel for channel in channels if channel.status == WORKING]
    away = [channel for channel in channels if not channel.is_off]
    found = working or away or channels
    if not found:
        raise DomainError("ambiguous_channel", "the project has no channel to send through")
    return Choice(found[0].id, len(found))
