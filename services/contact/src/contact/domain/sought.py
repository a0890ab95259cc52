"""What somebody looks for: one text, read as words of a name, digits of a phone, the beginning of an address, key or tag."""

import re
from dataclasses import dataclass

from contact.domain.addresses import COUNTRY_CODE
from contact.domain.phone_number import phone_key
from contact.domain.search_text import folded, words_of
from contact.domain.tags import tag_key

FEWEST_DIGITS = 3
_LIKE_A_PHONE = re.compile(r"[\d\s+().\-]+")
_LAST = "\U0010ffff"
"""Sorts behind whatever a text may go on with."""

Range = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sought:
    """What to find. A range (from, up to) holds all texts that begin with something; no range, nothing is looked for."""

    name: str
    words: tuple[Range, ...]
    phones: tuple[str, ...]
    phone_beginnings: tuple[Range, ...]
    phone_end: Range | None
    email: str
    external_id: str
    tag: str

    @classmethod
    def of(cls, text: str) -> "Sought":
        """Return what `text` may mean. Phones are met by their key, so that a missing ninth digit does not matter."""
        digits = re.sub(r"\D", "", text) if _LIKE_A_PHONE.fullmatch(text) else ""
        forms: tuple[str, ...] = ()
        if len(digits) >= FEWEST_DIGITS:
            typed = dict.fromkeys((digits, COUNTRY_CODE + digits))
            forms = tuple(dict.fromkeys([*typed, *map(phone_key, typed)]))
        return cls(
            name=folded(text.strip()),
            words=tuple(beginning(word) for word in words_of(text)),
            phones=forms,
            phone_beginnings=tuple(beginning(form) for form in forms),
            phone_end=beginning(digits[::-1]) if forms else None,
            email=text.strip().lower(),
            external_id=text.strip(),
            tag=tag_key(text),
        )


def beginning(text: str) -> Range:
    """Return the range of all texts that begin with `text`, in the order of their code points."""
    return text, text + _LAST
