"""The role that sends mails: looks once a second, and as long as there are any."""

import asyncio

from outbox.regularly import regularly
from telemetry.logs import get_logger
from telemetry.metrics import counter

from identity.application.send_mails import Post, send_next_mail
from identity.application.work import OpenWork
from identity.domain.letters import Links

LOOK_EVERY_S = 1.0

MAILS = counter("mails_total", "mails that were due, by what became of them", ("kind", "became"))

log = get_logger(__name__)


class Mailing:
    """A kernel Role. Several replicas may run it: each mail is claimed."""

    name = "mailing"

    def __init__(self, post: Post, links: Links, open_work: OpenWork) -> None:
        self._post = post
        self._links = links
        self._open_work = open_work

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until told to stop."""

        async def send_all() -> None:
            while not stopping.is_set() and await self.send_next():
                pass

        await regularly(self.name, send_all, stopping, every_s=LOOK_EVERY_S, again_s=(LOOK_EVERY_S, 30.0))

    async def send_next(self) -> bool:
        """Send the mail that is due longest; tell whether there was one."""
        outcome = await send_next_mail(self._post, self._links, self._open_work)
        if outcome is None:
            return False
        MAILS.labels(outcome.kind, outcome.became).inc()
        if outcome.error is not None:
            log.warning("a mail could not be sent", kind=outcome.kind, became=outcome.became, reason=outcome.error)
        return True
