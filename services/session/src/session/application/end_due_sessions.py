"""End what is past its deadline, in sets: one turn of a timekeeper."""

from datetime import timedelta

from session.application.work import Work
from session.domain.turns import MOST_AT_ONCE, Shard, Turn


async def end_due_sessions(shard: Shard, max_lag: timedelta, work: Work) -> Turn:
    """End up to 1,000 sessions at their deadlines and say so; `work` begins without any tenant.

    While our consumers lag by more than `max_lag`, or nobody knows, nothing ends: the answer may be waiting in a queue.
    """
    if await work.deadlines.held_back(max_lag):
        return Turn(held_back=True)
    due = await work.deadlines.due(shard, work.now, MOST_AT_ONCE)
    ended = await work.deadlines.end(due, work.now) if due else []
    going_on = await work.deadlines.look_later(due, work.now) if len(due) > len(ended) else 0
    for session in ended:
        work.announcements.reached_its_deadline(session)
    return Turn(
        late_s=[(work.now - session.timeout_at).total_seconds() for session in ended],
        # What others hold locked is met again in the next turn, which need not come at once.
        more=len(due) == MOST_AT_ONCE and len(ended) + going_on > 0,
        next_check_at=await work.deadlines.next_check(shard),
    )
