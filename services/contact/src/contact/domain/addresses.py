"""Addresses as people write them: e-mails, phone numbers, and what they know of somebody's identities."""

import re

import phonenumbers

from contact.domain.channel_identity import Identity
from contact.domain.phone_number import phone_of_address
from contact.domain.refusing import refused

DEFAULT_COUNTRY = "BR"
COUNTRY_CODE = str(phonenumbers.country_code_for_region(DEFAULT_COUNTRY))
LONGEST_EMAIL = 254
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_DIGITS = re.compile(r"\d{5,20}")
_SUFFIXES = {"wa_pn": ("@c.us", "@s.whatsapp.net"), "wa_lid": ("@lid",)}


def parse_email(text: str, pointer: str) -> str:
    """Return an e-mail address, trimmed and in lower case; raise DomainError for what is none."""
    email = text.strip().lower()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise refused(pointer, "bad_format", "an e-mail address expected")
    return email


def parse_phone(text: str, pointer: str = "/phone", country: str = DEFAULT_COUNTRY) -> str:
    """Return the E.164 form of a number as people write it; raise DomainError for what is none."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise refused(pointer, "bad_format", "a phone number expected") from error
    if not phonenumbers.is_possible_number(number):
        raise refused(pointer, "bad_format", "a phone number expected")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def entered_identity(kind: str, value: str, pointer: str) -> Identity:
    """Return an identity that a person enters, in the form in which channels report it; raise DomainError for what is none."""
    text = value.strip()
    if kind == "phone":
        return Identity(kind, parse_phone(text, pointer))
    if kind == "email":
        return Identity(kind, parse_email(text, pointer))
    if kind in _SUFFIXES:
        suffixes = _SUFFIXES[kind]
        digits = next((text.removesuffix(suffix) for suffix in suffixes if text.endswith(suffix)), text)
        if not _DIGITS.fullmatch(digits) or (kind == "wa_pn" and phone_of_address(digits) is None):
            raise refused(pointer, "bad_format", f"digits like 5511987654321{suffixes[0]} expected")
        return Identity(kind, digits + suffixes[0])
    if not text or not text.isprintable():
        raise refused(pointer, "bad_format", "a single line of text expected")
    return Identity(kind, text)
