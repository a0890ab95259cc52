"""Do what other services wish for: a tag on contacts, or off them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.errors import DomainError

from contact.application.work import Work
from contact.domain.tags import TaggedContact, read_tag, retagged


@dataclass(frozen=True, slots=True)
class TagWish:
    """One wish, as heard. `heard` is its event: what is said in answer follows from it."""

    tenant_id: str
    project_id: str
    contact_ids: tuple[str, ...]
    tag: str
    heard: Any


async def add_tags(wishes: Sequence[TagWish], work: Work) -> None:
    """Add tags; a tag that is there already is done silently, a contact that is not there is refused."""
    await _obey(wishes, work, adding=True)


async def remove_tags(wishes: Sequence[TagWish], work: Work) -> None:
    """Take tags off; a tag that is not there is done silently, a contact that is not there is refused."""
    await _obey(wishes, work, adding=False)


async def _obey(wishes: Sequence[TagWish], work: Work, *, adding: bool) -> None:
    """Apply the wishes of a batch in their order: the contacts of all of them are read once and written once."""
    held = await work.tags.hold([key for wish in wishes for key in _keys(wish)])
    changed: dict[tuple[str, str, str], TaggedContact] = {}
    for wish in wishes:
        refusals: dict[str, DomainError] = {}
        for key in dict.fromkeys(_keys(wish)):
            contact = held.get(key)
            try:
                if contact is None:
                    raise DomainError("not_found", "there is no such contact")
                if _obeyed(wish, contact, work, adding=adding):
                    changed[key] = contact
            except DomainError as refusal:
                refusals[key[-1]] = refusal
        if refusals:
            work.announcements.refused(wish.heard, refusals)
    await work.tags.keep(list(changed.values()))


def _obeyed(wish: TagWish, contact: TaggedContact, work: Work, *, adding: bool) -> bool:
    """Change one contact and tell of it; return whether it is different now."""
    if contact.merged:
        raise DomainError("conflict", "the contact was merged into another")
    tags = [read_tag(wish.tag, "/tag")]
    after = retagged(contact.tags, add=tags) if adding else retagged(contact.tags, remove=tags)
    if after.is_change:
        contact.take(after)
        work.announcements.retagged_as_wished(contact, after, wish.heard)
    return after.is_change


def _keys(wish: TagWish) -> Iterable[tuple[str, str, str]]:
    return ((wish.tenant_id, wish.project_id, contact_id) for contact_id in wish.contact_ids)
