"""Events may outrun the one that tells of their contact. Rules that would look at them wait until it is known.

Otherwise a welcome to somebody new could miss the name, or the pipeline in which they begin.
"""

from collections.abc import Sequence

from pipeline_automation.application.work import Work
from pipeline_automation.domain.heard import Heard


async def wait_for_contacts(heard: Sequence[Heard], work: Work) -> list[Heard]:
    """Keep events of contacts of whom we know nothing; return those whose contact has become known this very moment.

    The contacts' rows are locked, so that whoever tells of them comes before or after this, never at once.
    """
    contacts = [(each.tenant_id, each.project_id, each.contact_id or "") for each in heard]
    met = await work.contacts.meet(set(contacts))
    unknown = {key for key, contact in met.items() if contact.snapshot is None and not contact.life.deleted}
    waiting = [each for each, key in zip(heard, contacts, strict=True) if key in unknown]
    if waiting:
        await work.automation.trigger_events.wait(waiting, work.now)
    return [each for each, key in zip(heard, contacts, strict=True) if key not in unknown]
