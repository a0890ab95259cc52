"""Keep what sending needs to know of channels."""

from collections.abc import Sequence

from messaging.application.work import Work
from messaging.domain.projected import ChannelEnd, ChannelNews, ChannelStatus, newest


async def follow_channels(
    work: Work,
    *,
    news: Sequence[ChannelNews] = (),
    statuses: Sequence[ChannelStatus] = (),
    ends: Sequence[ChannelEnd] = (),
) -> None:
    """Take in what channels are like, whether they work, and that they are gone; what is older than what is known is left."""
    if news:
        await work.channels.follow(newest(news))
    if statuses:
        await work.channels.follow_statuses(newest(statuses))
    if ends:
        await work.channels.remove(newest(ends))
