"""Move contacts through pipelines: what people, programs and rules all do."""

from collections.abc import Sequence

from pipeline_automation.application.work import Work
from pipeline_automation.domain.placement import Move, Outcome, Standing


async def move_placements(moves: Sequence[Move], work: Work) -> list[Outcome]:
    """Carry out moves in this order; return what became of each, beside it.

    Several moves of one contact follow each other, and each is told. What cannot be moved does not hold the others up.
    """
    if not moves:
        return []
    return await move_among(await work.placements.standing(moves), moves, work)


async def move_among(standing: Standing, moves: Sequence[Move], work: Work) -> list[Outcome]:
    """Carry out moves among those who stand there, as they were found, locked."""
    outcomes = [standing.move(move, work.now, work.new_id) for move in moves]
    await work.placements.keep(standing.closed, standing.opened)
    for outcome in outcomes:
        if outcome.result == "moved":
            work.announcements.moved(outcome)
    return outcomes
