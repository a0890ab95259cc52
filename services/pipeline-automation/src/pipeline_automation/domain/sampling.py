"""How many of the events that rules could hear are kept, so that a rule can be tried on what really happened.

Keeping all would cost the line a row for each message. Each project has a store of 500 that fills again by 10 a minute: a quiet
project keeps everything, a busy one a sample. One store for each process.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

MOST_AT_ONCE = 500
PER_MINUTE = 10
MOST_PROJECTS = 10_000

Project = tuple[str, str]
"""Tenant, project."""


class Sampling:
    """Picks what is kept."""

    def __init__(self) -> None:
        self._left: OrderedDict[Project, tuple[float, datetime]] = OrderedDict()

    def pick(self, projects: Sequence[Project], now: datetime) -> list[int]:
        """Return the places of the events to keep, of a batch in these projects: of each the newest, as far as it has room."""
        picked: list[int] = []
        left: dict[Project, int] = {}
        for place in range(len(projects) - 1, -1, -1):
            project = projects[place]
            if project not in left:
                left[project] = int(self._left_for(project, now))
            if left[project] > 0:
                left[project] -= 1
                self._take(project)
                picked.append(place)
        while len(self._left) > MOST_PROJECTS:
            self._left.popitem(last=False)
        return picked[::-1]

    def _left_for(self, project: Project, now: datetime) -> float:
        left, at = self._left.pop(project, (float(MOST_AT_ONCE), now))
        left = min(left + max((now - at).total_seconds(), 0) / 60 * PER_MINUTE, float(MOST_AT_ONCE))
        self._left[project] = (left, now)
        return left

    def _take(self, project: Project) -> None:
        left, at = self._left[project]
        self._left[project] = (left - 1, at)
