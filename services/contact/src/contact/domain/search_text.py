"""Text for searching and sorting: case and accents do not matter. Done here, since the database has no unaccent."""

import re
import unicodedata

LONGEST_FOLDED = 255
"""Folding may lengthen a text many times over, and an index has no room for more."""
LONGEST_WORD = 64
MOST_WORDS = 16
_WORD = re.compile(r"\w+")


def folded(text: str) -> str:
    """Return `text` without case and accents, at most 255 characters."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))[:LONGEST_FOLDED]


def words_of(text: str) -> list[str]:
    """Return the different words of a text, folded."""
    words = dict.fromkeys(word[:LONGEST_WORD] for word in _WORD.findall(folded(text)))
    return list(words)[:MOST_WORDS]


def words_within(name: str) -> list[str]:
    """Return the words that a name does not begin with: its beginning is found by the folded name itself."""
    whole = folded(name)
    return [word for word in words_of(name) if not whole.startswith(word)]
