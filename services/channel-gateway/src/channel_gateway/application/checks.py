"""Provider sessions that have to be looked at, as the use cases see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from kernel.cause import Cause

from channel_gateway.application.messenger import Server, Webhook

Purpose = Literal["activate", "watch", "stop"]


@dataclass(frozen=True, slots=True)
class Check:
    """A session to be looked at now, and the channel's `status`. `server` None: it was removed meanwhile.

    `now` is the database's.
    """

    tenant_id: str
    channel_id: str
    purpose: Purpose
    status: str | None
    since: datetime
    tries: int
    failures: int
    restarted: bool
    verify_webhook: bool
    configured_at: datetime | None
    last_event_at: datetime | None
    now: datetime
    cause: Cause
    server: Server | None
    webhook: Webhook | None

    @property
    def key(self) -> tuple[str, str]:
        return self.tenant_id, self.channel_id


class Checks(Protocol):
    """The rows that say what is due."""

    async def ask(self, key: tuple[str, str], purpose: Purpose, by: Cause, *, verify_webhook: bool = False) -> None:
        """Have a channel's session looked at soon: a person's wish takes the place of what was there."""

    async def watch(self, channels: Sequence[tuple[str, str]]) -> None:
        """Have the sessions of these (tenant, channel) looked after, unless somebody looks at them already."""

    async def ensure(self, asked: Sequence[Cause], channels: Sequence[str]) -> None:
        """Have channels that are being activated looked at, unless they are already; `asked` by whom, for each."""

    async def around(self, key: tuple[str, str]) -> tuple[Server, Webhook]:
        """Return where a living channel's provider is, and how it reaches us. Raises not_found."""

    async def take(self, channels: Sequence[tuple[str, str]], again_s: float) -> Sequence[Check]:
        """Return what is due of these (tenant, channel); unless something is stored, again later."""

    async def again(
        self, check: Check, seconds: float, *, restarted: bool = False, configured: bool = False, failed: bool = False
    ) -> None:
        """Look again later, noting what was done."""

    async def stands(self, check: Check) -> bool:
        """Tell whether it is still to be looked at: nothing has ended or replaced the check since it was taken."""

    async def done(self, check: Check) -> bool:
        """Nothing is left to look at. False: there was nothing any more, or somebody has asked for something else."""

    async def arrived(self, channels: Sequence[tuple[str, str]]) -> None:
        """These (tenant, channel) work: whatever was done to get them there is over."""
