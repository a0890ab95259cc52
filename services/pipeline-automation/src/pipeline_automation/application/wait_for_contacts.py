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
    unheard_of = await work.contacts.unheard_of(set(contacts))
    waiting = [each for each, key in zip(heard, contacts, strict=True) if key in unheard_of]
    if waiting:
        await work.automation.trigger_events.wait(waiting, work.now)
    return [each for each, key in zip(heard, contacts, strict=True) if key not in unheard_of]
