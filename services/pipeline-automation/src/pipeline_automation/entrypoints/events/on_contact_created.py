"""Somebody was met: they get their first place, and rules react."""

from collections.abc import Sequence

from contracts.contact.created_v1 import ContactCreatedV1
from contracts.envelope import Event

from pipeline_automation.application.place_new_contacts import place_new_contacts
from pipeline_automation.application.run_rules import run_rules, run_waiting_rules
from pipeline_automation.application.work import Work
from pipeline_automation.domain.newcomer import Newcomer
from pipeline_automation.entrypoints.events.heard_in import contact_created
from pipeline_automation.entrypoints.events.known import snapshot_in
from pipeline_automation.entrypoints.events.whose import project_of

HEARS = ContactCreatedV1


async def on_contact_created(events: Sequence[Event[ContactCreatedV1]], work: Work) -> None:
    """Remember new contacts, place them, and run the rules that looked out for them."""
    known_before = await place_new_contacts([_newcomer(event) for event in events], work)
    await run_rules("contact.created", [(project_of(event), event) for event in events], contact_created, work)
    await run_waiting_rules({(tenant_id, contact_id) for tenant_id, _, contact_id in known_before}, work)


def _newcomer(event: Event[ContactCreatedV1]) -> Newcomer:
    tenant_id, project_id = project_of(event)
    channels = [each.channel_id for each in event.data.identities if each.channel_id is not None]
    return Newcomer(
        tenant_id=tenant_id,
        project_id=project_id,
        contact_id=event.data.contact_id,
        channel_id=channels[0] if channels else None,
        because=event,
        snapshot=snapshot_in(event),
    )
