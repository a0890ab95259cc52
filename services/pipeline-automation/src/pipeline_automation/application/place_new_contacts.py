"""Give new contacts their first place: at the first open status of their channel's pipeline, else of the default one.

Who comes before the pipeline or the channel is known waits, and is placed when that comes. Everybody is placed once, whichever
event tells of them first and however often.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline_automation.application.announcements import ITSELF
from pipeline_automation.application.move_placements import move_placements
from pipeline_automation.application.work import Contact, Project, Work
from pipeline_automation.domain.newcomer import Newcomer
from pipeline_automation.domain.placement import Move


async def place_new_contacts(newcomers: Sequence[Newcomer], work: Work) -> None:
    """Place contacts that an event has told us of; those who have their place, or had it, stay where they are."""
    if not newcomers:
        return
    waiting = await work.contacts.arrive(newcomers)
    await _place(waiting, {newcomer.key: newcomer.because for newcomer in reversed(newcomers)}, work)


async def place_waiting_contacts(because: Mapping[Project, Any], work: Work) -> None:
    """Place those who wait in projects of which we have learned something; `because` is the event that told us."""
    waiting = await work.contacts.waiting_in(because)
    await _place(waiting, {key: because[key[:2]] for key in waiting}, work)


async def _place(waiting: Collection[Contact], because: Mapping[Contact, Any], work: Work) -> None:
    if not waiting:
        return
    doors = await work.contacts.doors_of(waiting)
    moves = [
        Move(
            tenant_id=door.tenant_id,
            project_id=door.project_id,
            contact_id=door.contact_id,
            pipeline_id=door.pipeline_id,
            status_id=door.status_id,
            actor=ITSELF,
            because=because[door.key],
        )
        for door in doors
        if door.status_id is not None
    ]
    outcomes = await move_placements(moves, work)
    # A pipeline that was switched off this very moment refuses: who met it goes on waiting.
    refused = {(o.move.tenant_id, o.move.project_id, o.move.contact_id) for o in outcomes if o.result == "refused"}
    await work.contacts.settle([door.key for door in doors if door.key not in refused])
