"""Decide through which channel somebody is written to, where nobody says it."""

from collections.abc import Collection

from messaging.application.work import ProjectContact, Work
from messaging.domain.sending_channel import the_only_one


async def choose_channels(contacts: Collection[ProjectContact], work: Work) -> dict[ProjectContact, str]:
    """Return for each contact (tenant, project, contact) the channel on which they were last spoken with, else the only one.

    Raises ambiguous_channel where neither tells.
    """
    last = await work.channels.last_of_contacts(contacts)
    new = [contact for contact in contacts if contact not in last]
    projects = await work.channels.of_projects({(tenant, project) for tenant, project, _ in new}) if new else {}
    chosen = {contact: channel.id for contact, channel in last.items()}
    return chosen | {contact: the_only_one(projects.get(contact[:2], [])).id for contact in new}
