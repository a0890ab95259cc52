"""Keep what rules and boards need to know of contacts."""

from collections.abc import Sequence

from pipeline_automation.application.work import Contact, Work
from pipeline_automation.domain.known_contact import Change


async def project_contacts(heard: Sequence[tuple[Contact, Change]], work: Work) -> None:
    """Take in what was heard of contacts; the order in which it comes does not matter."""
    known = await work.contacts.meet({key for key, _ in heard})
    for key, change in heard:
        known[key].hear(change)
    await work.contacts.keep(known.values())
