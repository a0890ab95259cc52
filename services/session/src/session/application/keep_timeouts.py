"""Remember how long pipelines and projects allow a session to be silent."""

from collections.abc import Sequence

from session.application.work import Work
from session.domain.timeouts import Allowance


async def keep_timeouts(allowances: Sequence[Allowance], work: Work) -> None:
    """Keep the newest version of each; sessions that are open keep what they started with."""
    await work.timeouts.keep(allowances)
