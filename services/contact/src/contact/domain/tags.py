"""Tags: a set of short texts. Case does not tell two apart, and each is kept as it was first written.

The key of a tag is what it is compared by. Keys stand beside the tags, in the same order, since the database folds only ASCII.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kernel.errors import DomainError

from contact.domain.refusing import refused

MOST_TAGS = 100
LONGEST_TAG = 64


def read_tag(text: str, pointer: str) -> str:
    """Return a tag as it is stored; raise DomainError for one that is blank, too long or of several lines."""
    tag = unicodedata.normalize("NFC", text).strip()
    if not tag:
        raise refused(pointer, "too_short", "a tag has at least 1 character")
    if len(tag) > LONGEST_TAG:
        raise refused(pointer, "too_long", f"a tag has at most {LONGEST_TAG} characters")
    if any(unicodedata.category(character) == "Cc" for character in tag):
        raise refused(pointer, "bad_format", "a tag is a single line without control characters")
    return tag


def tag_key(tag: str) -> str:
    """Return what a tag is compared by (Unicode's canonical caseless matching)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", tag.strip()).casefold())


def read_tags(texts: Iterable[str], pointer: str) -> tuple[str, ...]:
    """Return tags without repetitions, the first spelling kept; raise DomainError for one that is none, or for too many."""
    kept: dict[str, str] = {}
    for number, text in enumerate(texts):
        tag = read_tag(text, f"{pointer}/{number}")
        kept.setdefault(tag_key(tag), tag)
    if len(kept) > MOST_TAGS:
        raise refused(pointer, "too_long", f"at most {MOST_TAGS} tags")
    return tuple(kept.values())


@dataclass(slots=True)
class TaggedContact:
    """A contact as far as tags go."""

    tenant_id: str
    project_id: str
    id: str
    version: int
    tags: tuple[str, ...]
    merged: bool

    def take(self, change: "Retagged") -> None:
        """Have the tags after a change; the version is one higher."""
        self.tags, self.version = change.tags, self.version + 1


@dataclass(frozen=True, slots=True)
class Retagged:
    """The tags of a contact after a change, and what the change came to."""

    tags: tuple[str, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Tell whether anything is different."""
        return bool(self.added or self.removed)


def retagged(tags: Sequence[str], *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Retagged:
    """Return the tags without some and with others; what is there stays as it is written, what is missing stays missing.

    Raises too_many for more than a contact can carry.
    """
    unwanted = {tag_key(tag) for tag in remove}
    kept = {tag_key(tag): tag for tag in tags if tag_key(tag) not in unwanted}
    added: dict[str, str] = {}
    for tag in add:
        if tag_key(tag) not in kept:
            added.setdefault(tag_key(tag), tag)
    if added and len(kept) + len(added) > MOST_TAGS:
        raise DomainError("too_many", f"a contact carries at most {MOST_TAGS} tags", most=MOST_TAGS)
    removed = tuple(tag for tag in tags if tag_key(tag) in unwanted)
    return Retagged((*kept.values(), *added.values()), tuple(added.values()), removed)


def replaced(tags: Sequence[str], wanted: Sequence[str]) -> Retagged:
    """Return the change from `tags` to exactly the `wanted` ones, in their order; spellings that are there stay."""
    known = {tag_key(tag): tag for tag in tags}
    keys = [tag_key(tag) for tag in wanted]
    return Retagged(
        tuple(known.get(key, tag) for key, tag in zip(keys, wanted, strict=True)),
        tuple(tag for key, tag in zip(keys, wanted, strict=True) if key not in known),
        tuple(tag for key, tag in known.items() if key not in keys),
    )
