"""Codes of a second factor: time-based ones (RFC 6238: SHA-1, 6 digits, 30 seconds), and those for whoever lost the device."""

import hmac
import secrets
from base64 import b32encode
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote, urlencode

SECRET_BYTES = 20
STEP_S = 30
DIGITS = 6
STEPS_APART = 1
"""Clocks of devices may be that many steps off."""

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
RandomBytes = Callable[[int], bytes]


def code_at(secret: bytes, step: int) -> str:
    """Return the code of one step (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: bytes, code: str, now: datetime, after: int) -> int | None:
    """Return the step whose code that is, near now and later than `after`; None where there is none."""
    present = int(now.timestamp()) // STEP_S
    for step in range(present - STEPS_APART, present + STEPS_APART + 1):
        if step > after and hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def in_letters(secret: bytes) -> str:
    """Return the secret as people type it into their device."""
    return b32encode(secret).decode()


def address_of(secret: bytes, site: str, account: str) -> str:
    """Return the secret as a device reads it from a picture (the `otpauth` form that authenticators share)."""
    label = quote(f"{site}:{account}")
    return f"otpauth://totp/{label}?{urlencode({'secret': in_letters(secret), 'issuer': site})}"


def make_recovery_codes(random: RandomBytes = secrets.token_bytes) -> list[str]:
    """Return fresh codes, 80 bits each, `xxxx-xxxx-xxxx-xxxx`."""
    return [_grouped(b32encode(random(RECOVERY_BYTES)).decode().lower()) for _ in range(RECOVERY_CODES)]


def normal_form(code: str) -> str:
    """Return a code without blanks and dashes, in lower case."""
    return "".join(code.split()).replace("-", "").lower()


def _grouped(letters: str) -> str:
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
