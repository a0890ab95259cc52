"""Which passwords are taken: 12 to 128 characters, not the person's own name or e-mail, not what everybody uses.

There is no composition rule (NIST SP 800-63B, section 3.1.1.2): length counts, and what guessers try first is refused.
"""

import re
import unicodedata
from itertools import pairwise

from identity.domain.guessable_words import COMMON_WORDS, KEYBOARD_AND_ALPHABET
from identity.domain.refusals import refused

SHORTEST = 12
LONGEST = 128
LONGEST_REPEATED_UNIT = 6
FEWEST_CHARACTERS = 4
"""Fewer different ones make a pattern, not a password."""

MOST_ADDED = 8
"""Characters that, put around common words, make nothing uncommon: a year, a date, exclamation marks."""

MOSTLY_WALKED = 0.65

_LEET = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s", "!": "i"}
)
_NEIGHBOURS = frozenset(pair for run in KEYBOARD_AND_ALPHABET for a, b in pairwise(run) for pair in ((a, b), (b, a)))


def normalised(password: str) -> str:
    """Return the password as it is hashed: one form for what different keyboards send for the same letters (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, email: str, name: str, field: str = "password") -> None:
    """Raise DomainError naming the body's field, and why, unless the password may be used by that person."""
    text = normalised(password)
    if len(text) < SHORTEST:
        raise refused(field, "too_short", f"at least {SHORTEST} characters")
    if len(text) > LONGEST:
        raise refused(field, "too_long", f"at most {LONGEST} characters")
    if _is_personal(text, email, name):
        raise refused(field, "not_allowed", "not your e-mail address or name")
    if is_common(text):
        raise refused(field, "not_allowed", "too easy to guess: use several unrelated words")


def is_common(password: str) -> bool:
    """Tell whether guessers would try that early: patterns, and common words with little around them."""
    text = password.casefold()
    return (
        any(_is_pattern(each) for each in (password, text))
        or _is_walk(text)
        # Two runs typed in turns, such as 1q2w3e4r5t6y. One half alone is no sign: of random passwords, one in 15,000
        # has a half that walks.
        or (_is_walk(text[::2]) and _is_walk(text[1::2]))
        or _is_made_of_words(text)
    )


def _is_personal(password: str, email: str, name: str) -> bool:
    text = _letters_and_digits(password)
    own = {email, email.partition("@")[0], name, *re.split(r"\s+", name)}
    known = {_letters_and_digits(each) for each in own} - {""}
    # Their own name with a year behind it, or twice, is their name.
    return any(text == each or text == each * 2 or text.strip("0123456789") == each for each in known)


def _letters_and_digits(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _is_pattern(text: str) -> bool:
    if len(set(text)) < FEWEST_CHARACTERS:
        return True
    return any(text == (text[:unit] * len(text))[: len(text)] for unit in range(1, LONGEST_REPEATED_UNIT + 1))


def _is_walk(text: str) -> bool:
    if len(text) < LONGEST_REPEATED_UNIT:
        return False
    steps = list(pairwise(text))
    known = sum(1 for a, b in steps if a == b or (a, b) in _NEIGHBOURS)
    return known >= MOSTLY_WALKED * len(steps)


def _is_made_of_words(text: str) -> bool:
    stripped = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    for spelling in (stripped, stripped.translate(_LEET)):
        letters = "".join(character for character in spelling if character.isalpha())
        plain = "".join(c for c in unicodedata.normalize("NFD", letters) if not unicodedata.combining(c))
        added = "".join(character for character in text if character.isdigit())
        little = len(text) - len(letters) <= MOST_ADDED or _is_pattern(added) or _is_walk(added)
        if plain and little and _splits(plain, 2):
            return True
    return False


def _splits(letters: str, most_words: int) -> bool:
    if letters in COMMON_WORDS:
        return True
    if most_words == 1:
        return False
    return any(
        letters[:end] in COMMON_WORDS and (letters[end:] == letters[:end] or _splits(letters[end:], most_words - 1))
        for end in range(2, len(letters) - 1)
    )
