"""What became of memberships since tokens were made: heard as events, and read from identity after every gap.

An access token names its projects until it expires. What was heard last of a person in a project goes before what it says: a role that
is another, a project that is closed to them, one that they joined. A newer token says the same as what was heard.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from telemetry.metrics import gauge

from api_gateway.withdrawals import KEPT_S

CHANGED = gauge("changed_memberships", "memberships that tokens in hand may say wrongly")
MOST = 100_000


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """What somebody is in a project; None for `role`: they are in it no more. Later changes of its members have higher revisions."""

    revision: int
    user_id: str
    project_id: str
    role: str | None
    agent_id: str | None = None


Changes = Mapping[str, MembershipChange]
"""Of one person, by project."""


class Memberships:
    """The changes that this process knows of."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: dict[tuple[str, str], tuple[float, MembershipChange]] = {}
        self._of: dict[str, dict[str, MembershipChange]] = {}
        self.on_user: list[Callable[[str], None]] = []

    def add(self, changes: Iterable[MembershipChange]) -> None:
        """Go by these from now on; of two about the same the later counts. Safe to repeat."""
        for each in changes:
            place = (each.user_id, each.project_id)
            if place in self._known and self._known[place][1].revision > each.revision:
                continue
            self._known.pop(place, None)  # to the end: they are forgotten in the order they stand in
            self._known[place] = (self._now() + KEPT_S, each)
            self._of.setdefault(each.user_id, {})[each.project_id] = each
            for forget in self.on_user:
                forget(each.user_id)
        self._forget()
        CHANGED.set(len(self._known))

    def of(self, user_id: str) -> Changes:
        """Return what is known of a person."""
        return self._of.get(user_id, {})

    def _forget(self) -> None:
        now = self._now()
        while self._known:
            (user_id, project_id), (until, _) = next(iter(self._known.items()))
            if until >= now and len(self._known) <= MOST:
                return
            del self._known[user_id, project_id]
            of_user = self._of[user_id]
            del of_user[project_id]
            if not of_user:
                del self._of[user_id]
