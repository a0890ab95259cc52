"""Keep what sending needs to know of contacts."""

from collections.abc import Sequence

from messaging.application.work import Work
from messaging.domain.projected import ContactLife, ContactNews, LinkedHandle, newest
from messaging.domain.reaching import REACHABLE_KINDS


async def follow_contacts(
    work: Work,
    *,
    news: Sequence[ContactNews] = (),
    lives: Sequence[ContactLife] = (),
    handles: Sequence[LinkedHandle] = (),
) -> None:
    """Take in what contacts are like, whether they are deleted, and where they are known; what is older is left."""
    if news:
        await work.people.follow(newest(news))
    if lives:
        await work.people.follow_lives(newest(lives))
    reachable = {handle.key: handle for handle in handles if handle.kind in REACHABLE_KINDS}
    if reachable:
        await work.people.link(list(reachable.values()))
