"""Keep what rules and boards need to know of contacts."""

from collections.abc import Iterable, Sequence

from pipeline_automation.application.work import Contact, Work
from pipeline_automation.domain.known_contact import Change, KnownContact


async def project_contacts(heard: Sequence[tuple[Contact, Change]], work: Work) -> None:
    """Take in what was heard of contacts; the order in which it comes does not matter."""
    contacts = await known_or_new((key for key, _ in heard), work)
    for key, change in heard:
        contacts[key].hear(change)
    await work.contacts.keep(contacts.values())


async def known_or_new(keys: Iterable[Contact], work: Work) -> dict[Contact, KnownContact]:
    """Return contacts to which something happens, in this order; those never heard of are not stored before they are kept."""
    wanted = list(dict.fromkeys(keys))
    known = await work.contacts.known(wanted)
    return {key: known.get(key) or _new(*key) for key in wanted}


def _new(tenant_id: str, project_id: str, id: str) -> KnownContact:
    return KnownContact(tenant_id=tenant_id, project_id=project_id, id=id, new=True)
