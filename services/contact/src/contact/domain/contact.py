"""What people may write into a contact: normalised here, refused with the field's name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import available_timezones

from contact.domain.addresses import parse_email, parse_phone
from contact.domain.custom_field import Definition, first_values, values_after
from contact.domain.refusing import refused
from contact.domain.tags import Retagged, read_tags, replaced

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
    custom_fields: Mapping[str, Any] = field(default_factory=dict)
    opted_out: bool = False

    def changed_by(self, given: Mapping[str, Any], defined: Mapping[str, Definition]) -> "Details":
        """Return the details after a partial change; raise DomainError naming the field for what cannot be.

        A name that a person gave stays: no push name replaces it.
        """
        read = _read(given)
        if "name" in read:
            read["name_source"] = "user"
        if self.external_id is not None and read.get("external_id", self.external_id) != self.external_id:
            raise refused("/external_id", "not_allowed", "the external id cannot be changed once set")
        if "tags" in read:
            change = replaced(self.tags, read["tags"])
            read["tags"] = change.tags if change.is_change else self.tags
        if "custom_fields" in read:
            read["custom_fields"] = values_after(defined, self.custom_fields, read["custom_fields"])
        return replace(self, **read)

    def differences(self, before: "Details") -> dict[str, Any]:
        """Return the old values of the attributes that differ, by name. Tags and custom fields are told one by one instead."""
        names = [name for name in self.__slots__ if name not in ("name_source", "tags", "custom_fields")]
        return {name: getattr(before, name) for name in names if getattr(before, name) != getattr(self, name)}

    def retagged(self, before: "Details") -> Retagged:
        """Return which tags came and went."""
        return replaced(before.tags, self.tags)


def new_details(given: Mapping[str, Any], defined: Mapping[str, Definition]) -> Details:
    """Return the details of a contact that a person enters; `defined` are the custom fields of the project."""
    values = first_values(defined, given.get("custom_fields"))
    details = Details(name="", name_source="user").changed_by({**given, "custom_fields": {}}, defined)
    return replace(details, custom_fields=values)


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    read = dict(given)
    if "name" in read:
        read["name"] = (read["name"] or "").strip()
        if not read["name"]:
            raise refused("/name", "too_short", "a name is required")
    if read.get("email") is not None:
        read["email"] = parse_email(read["email"], "/email")
    if read.get("phone") is not None:
        read["phone"] = parse_phone(read["phone"], "/phone")
    if "language" in read:
        read["language"] = read["language"] or "en"
        if not _LANGUAGE.fullmatch(read["language"]):
            raise refused("/language", "bad_format", "a BCP 47 language expected")
    if read.get("timezone") is not None and read["timezone"] not in available_timezones():
        raise refused("/timezone", "bad_format", "an IANA zone expected")
    if "tags" in read:
        read["tags"] = read_tags(read["tags"] or (), "/tags")
    if "opted_out" in read:
        read["opted_out"] = bool(read["opted_out"])
    return read
