"""Decide through which channel somebody is written to, where nobody says it."""

from collections.abc import Collection

from messaging.application.work import ProjectContact, Work
from messaging.domain.sending_channel import Choice, choose


async def choose_channels(contacts: Collection[ProjectContact], work: Work) -> dict[ProjectContact, Choice]:
    """Return for each contact (tenant, project, contact) the channel on which they were last met, else one of the project's.

    Raises ambiguous_channel where the project has none.
    """
    last = await work.channels.last_of_contacts(contacts)
    new = [contact for contact in contacts if contact not in last]
    projects = await work.channels.of_projects({(tenant, project) for tenant, project, _ in new}) if new else {}
    chosen = {contact: Choice(channel_id) for contact, channel_id in last.items()}
    return chosen | {contact: choose(projects.get(contact[:2], [])) for contact in new}
