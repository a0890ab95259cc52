"""Give new contacts their first place: at the first open status of their channel's pipeline, else of the default one.

Who comes before the pipeline or the channel is known waits, and is placed when that comes. Everybody is placed once, whichever
event tells of them first and however often.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline_automation.application.announcements import ITSELF
from pipeline_automation.application.move_placements import move_among
from pipeline_automation.application.project_contacts import known_or_new
from pipeline_automation.application.work import Contact, Project, Work
from pipeline_automation.domain.known_contact import Entrance, KnownContact
from pipeline_automation.domain.newcomer import Newcomer
from pipeline_automation.domain.placement import Move, Standing, Target


async def place_new_contacts(newcomers: Sequence[Newcomer], work: Work) -> set[Contact]:
    """Remember contacts that an event has told us of, and place them; those who have their place, or had it, stay where they are.

    Where they begin is known before they are stored, so nobody is written twice. Return those of whom something was known before:
    only for them anything can have waited.
    """
    contacts = await known_or_new((each.key for each in newcomers), work)
    for each in sorted(newcomers, key=lambda each: each.channel_id is None):  # who names a channel knows more
        contact = contacts[each.key]
        contact.meet(each.channel_id)
        if each.snapshot is not None:
            contact.hear(each.snapshot)
    doors = await _doors_of({each.entrance for each in contacts.values() if each.waits}, work)
    await _place(contacts.values(), doors, {each.key: each.because for each in reversed(newcomers)}, work)
    return {key for key, contact in contacts.items() if not contact.new}


async def place_waiting_contacts(because: Mapping[Project, Any], work: Work) -> None:
    """Place those who wait in projects of which we have learned something; `because` is the event that told us."""
    waiting = await work.contacts.waiting_in(because)
    doors = await work.placements.doors_of(set(waiting.values()))
    contacts = await work.contacts.known([key for key, entrance in waiting.items() if entrance in doors])
    await _place(contacts.values(), doors, {key: because[key[:2]] for key in contacts}, work)


async def _doors_of(entrances: set[Entrance], work: Work) -> Mapping[Entrance, Target | None]:
    doors = await work.placements.doors_of(entrances)
    shut = entrances - doors.keys()
    if not shut:
        return doors
    # Whoever opens one of them at this moment does not see who begins to wait: looking again, after them, we see what they opened.
    await work.contacts.begin_to_wait({(tenant_id, project_id) for tenant_id, project_id, _ in shut})
    return {**doors, **await work.placements.doors_of(shut)}


async def _place(
    contacts: Collection[KnownContact],
    doors: Mapping[Entrance, Target | None],
    because: Mapping[Contact, Any],
    work: Work,
) -> None:
    ready = [each for each in contacts if each.waits and each.entrance in doors]
    # Who ever stood in a pipeline does not begin there again.
    stays = await work.placements.stays_of([each.key for each in ready if not each.new])
    for each in ready:
        each.settle()
    await work.contacts.keep(contacts)
    moves = [
        Move(
            tenant_id=each.tenant_id,
            project_id=each.project_id,
            contact_id=each.id,
            pipeline_id=door.pipeline_id,
            status_id=door.status.id,
            actor=ITSELF,
            because=because[each.key],
        )
        for each in ready
        if (door := doors[each.entrance]) is not None and (each.tenant_id, each.id, door.pipeline_id) not in stays
    ]
    standing = Standing([each.key for each in ready], [], [door for door in doors.values() if door is not None])
    await move_among(standing, moves, work)
