"""Phone numbers as WhatsApp has them, and the key by which two spellings of one number meet.

The key is only for matching: what a provider reported is never rewritten, and a hidden id (`@lid`) is never a phone.
"""

import re
from functools import lru_cache

# A batch asks for each number several times: as it was heard, as it is known, and where it is linked.
REMEMBERED = 1024

_NO_DIGITS = re.compile(r"\D+")
_E164_DIGITS = re.compile(r"[1-9]\d{7,14}")
_BRAZIL_WITHOUT_NINTH = re.compile(r"55(\d{2})([6-9]\d{7})")
_ARGENTINA_MOBILE = re.compile(r"549(\d{10})")
_MEXICO_MOBILE = re.compile(r"521(\d{10})")


@lru_cache(REMEMBERED)
def phone_of_address(value: str) -> str | None:
    """Return the E.164 number of a `digits@c.us` address, or None where its digits cannot be a phone number."""
    digits = value.partition("@")[0]
    return f"+{digits}" if _E164_DIGITS.fullmatch(digits) else None


@lru_cache(REMEMBERED)
def phone_key(phone: str) -> str:
    """Return the digits by which a number is matched (ITU-T E.164 digits with the mobile prefixes of three countries evened out).

    Brazil: a mobile number of 8 digits (first 6 to 9) gets its ninth digit; landlines stay. Argentina loses the 9 of 54 9, Mexico
    the 1 of 52 1.
    """
    digits = _NO_DIGITS.sub("", phone)
    if found := _BRAZIL_WITHOUT_NINTH.fullmatch(digits):
        return f"55{found[1]}9{found[2]}"
    if found := _ARGENTINA_MOBILE.fullmatch(digits):
        return f"54{found[1]}"
    if found := _MEXICO_MOBILE.fullmatch(digits):
        return f"52{found[1]}"
    return digits
