"""What people may write into a contact: normalised here, refused with the field's name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import available_timezones

import phonenumbers
from kernel.errors import DomainError, FieldError

DEFAULT_COUNTRY = "BR"
MAX_TAGS = 100
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Details:
    """The attributes that people edit. Addresses that a channel reported are identities and are not here."""

    name: str
    name_source: str
    email: str | None = None
    phone: str | None = None
    external_id: str | None = None
    source_channel: str | None = None
    language: str = "en"
    timezone: str | None = None
    tags: tuple[str, ...] = ()
    custom_fields: Mapping[str, Any] | None = None
    opted_out: bool = False

    def changed_by(self, given: Mapping[str, Any]) -> "Details":
        """Return the details after a partial change; raise DomainError naming the field for what cannot be.

        A name that a person gave stays: no push name replaces it.
        """
        read = _read(given)
        if "name" in read:
            read["name_source"] = "user"
        if self.external_id is not None and read.get("external_id", self.external_id) != self.external_id:
            raise _refused("external_id", "not_allowed", "the external id cannot be changed once set")
        return replace(self, **read)

    def differences(self, before: "Details") -> dict[str, Any]:
        """Return the old values of the fields that differ, by name."""
        old = {
            name: getattr(before, name) for name in Details.__slots__ if getattr(before, name) != getattr(self, name)
        }
        old.pop("name_source", None)
        return old


def new_details(given: Mapping[str, Any]) -> Details:
    """Return the details of a contact that a person enters."""
    return Details(name="", name_source="user").changed_by(given)


def parse_phone(text: str, country: str = DEFAULT_COUNTRY) -> str:
    """Return the E.164 form of a number as people write it; raise DomainError for what is none."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise _refused("phone", "bad_format", "a phone number expected") from error
    if not phonenumbers.is_possible_number(number):
        raise _refused("phone", "bad_format", "a phone number expected")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def unique_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return tags without repetitions, case ignored, the first spelling kept."""
    kept: dict[str, str] = {}
    for tag in tags:
        if tag.strip():
            kept.setdefault(tag.strip().casefold(), tag.strip())
    if len(kept) > MAX_TAGS:
        raise _refused("tags", "too_long", f"at most {MAX_TAGS} tags")
    return tuple(kept.values())


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    read = dict(given)
    if "name" in read:
        read["name"] = (read["name"] or "").strip()
        if not read["name"]:
            raise _refused("name", "too_short", "a name is required")
    if read.get("email") is not None:
        read["email"] = read["email"].strip().lower()
        if not _EMAIL.fullmatch(read["email"]) or len(read["email"]) > 254:
            raise _refused("email", "bad_format", "an e-mail address expected")
    if read.get("phone") is not None:
        read["phone"] = parse_phone(read["phone"])
    if "language" in read:
        read["language"] = read["language"] or "en"
        if not _LANGUAGE.fullmatch(read["language"]):
            raise _refused("language", "bad_format", "a BCP 47 language expected")
    if read.get("timezone") is not None and read["timezone"] not in available_timezones():
        raise _refused("timezone", "bad_format", "an IANA zone expected")
    if "tags" in read:
        read["tags"] = unique_tags(read["tags"] or ())
    for name, empty in (("custom_fields", {}), ("opted_out", False)):
        if name in read and read[name] is None:
            read[name] = empty
    return read


def _refused(field: str, code: str, detail: str) -> DomainError:
    return DomainError("validation_failed", "1 field needs attention", fields=(FieldError(f"/{field}", code, detail),))
