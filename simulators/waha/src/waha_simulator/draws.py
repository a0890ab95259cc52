"""Values that look random and are a pure function of a seed and a name, so that nothing depends on the order of
calls.
"""

import base64
import hashlib
from random import Random

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def digest(*parts: object) -> bytes:
    """64 bytes that only these parts give."""
    return hashlib.sha512("\x1f".join(str(part) for part in parts).encode()).digest()


def fraction(*parts: object) -> float:
    """A number in [0, 1)."""
    return int.from_bytes(digest(*parts)[:7], "big") / (1 << 56)


def between(low: float, high: float, *parts: object) -> float:
    return low + (high - low) * fraction(*parts)


def digits(length: int, *parts: object) -> str:
    """Decimal digits, the first never 0."""
    number = int.from_bytes(digest(*parts), "big")
    return str(10 ** (length - 1) + number % (9 * 10 ** (length - 1)))


def random_of(*parts: object) -> Random:
    """A generator for sequences, where one value must follow from the last."""
    return Random(digest(*parts))  # noqa: S311  repeatable on purpose; nothing secret comes from it


def message_id(prefix: str, *parts: object) -> str:
    """A WhatsApp message id. Prefixes as clients use them: 3A an iPhone, AC an Android, 3EB0 WhatsApp Web and the
    API.
    """
    length = 32 if prefix == "AC" else 20 if prefix == "3A" else 22
    return prefix + digest(*parts).hex().upper()[: length - len(prefix)]


def ulid(milliseconds: int, *parts: object) -> str:
    """A lower-case ULID of this time; its random part follows from the parts."""
    number = (milliseconds << 80) | int.from_bytes(digest(*parts)[:10], "big")
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def token(length: int, *parts: object) -> str:
    """A short token such as WAHA's request ids."""
    number = int.from_bytes(digest(*parts), "big")
    characters = []
    for _ in range(length):
        number, index = divmod(number, 36)
        characters.append(BASE36[index])
    return "".join(characters)


def base64_of(length: int, *parts: object) -> str:
    """Base64 of `length` bytes, for keys and hashes of media that only have to look right."""
    return base64.b64encode(digest(*parts)[:length]).decode()
