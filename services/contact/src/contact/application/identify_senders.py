"""Find out who wrote to us, meeting those whom we never have."""

from collections.abc import Sequence

from contact.application.work import Work
from contact.domain.address_book import Known, Sender, place_all


async def identify_senders(messages: Sequence[object], senders: Sequence[Sender | None], work: Work) -> None:
    """Place the sender of each message and announce it; `senders` runs beside `messages`, None for own group messages.

    Two batches may meet the same stranger at once: the unique identity decides, and the loser is repeated and finds them.
    """
    known = [sender for sender in senders if sender is not None]
    book = await work.contacts.holding(known)
    placed = place_all(book, senders, work.new_id)
    people = list({contact.id: contact for contact in placed if contact is not None}.values())

    await work.contacts.keep(book.met, book.links)
    await work.contacts.touch([contact for contact in people if not contact.is_new])
    changed = [contact for contact in people if not contact.is_new and (contact.renamed_from or contact.deleted)]
    rows = await work.contacts.rename_and_restore(changed) if changed else []

    for contact in book.met:
        work.announcements.created(contact, book.links)
    for link in book.links:
        if not link.contact.is_new:
            work.announcements.identity_linked(link)
    for row in rows:
        work.announcements.changed_on_the_line(row, _cause(changed, row["id"], known, placed, senders))
    for message, person in zip(messages, placed, strict=True):
        work.announcements.sender_identified(message, person)


def _cause(
    changed: Sequence[Known],
    contact_id: object,
    known: Sequence[Sender],
    placed: Sequence[Known | None],
    senders: Sequence[Sender | None],
) -> tuple[Known, Sender]:
    """Return the contact with that id and the last message that speaks of it."""
    contact = next(each for each in changed if each.id == str(contact_id))
    spoke = [sender for sender, who in zip(senders, placed, strict=True) if sender is not None and who is contact]
    return contact, spoke[-1] if spoke else known[-1]
