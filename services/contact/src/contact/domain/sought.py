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
    """What to find. A range (from, up to) holds all texts that begin with something; where there is none, nothing is looked for.

    The longest word comes first, as the one that the fewest names have. `phones` are whole numbers as they are matched;
    `phone_beginnings` the digits as typed and with the country before them.
    """

    name: str
    words: tuple[Range, ...]
    phones: tuple[str, ...]
    phone_beginnings: tuple[Range, Range] | None
    phone_end: Range | None
    email: str
    external_id: str
    tag: str

    @classmethod
    def of(cls, text: str) -> "Sought":
        """Return what `text` may mean. Phones are met by their key, so that a missing ninth digit does not matter."""
        digits = re.sub(r"\D", "", text) if _LIKE_A_PHONE.fullmatch(text) else ""
        is_phone = len(digits) >= FEWEST_DIGITS
        forms = (digits, COUNTRY_CODE + digits) if is_phone else ()
        return cls(
            name=folded(text.strip()),
            words=tuple(beginning(word) for word in sorted(words_of(text), key=len, reverse=True)),
            phones=tuple(dict.fromkeys(map(phone_key, forms))),
            phone_beginnings=(beginning(digits), beginning(COUNTRY_CODE + digits)) if is_phone else None,
            phone_end=beginning(digits[::-1]) if is_phone else None,
            email=text.strip().lower(),
            external_id=text.strip(),
            tag=tag_key(text),
        )


def beginning(text: str) -> Range:
    """Return the range of all texts that begin with `text`, in the order of their code points."""
    return text, text + _LAST
