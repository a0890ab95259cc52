"""An account: a tenant with its owner, its first project and the owner's agent."""

import re
from dataclasses import dataclass
from zoneinfo import available_timezones

from identity.domain.refusals import refused

COUNTRY = "BR"
TIMEZONE = "America/Sao_Paulo"
LANGUAGE = "en"
SESSION_TIMEOUT_MINUTES = 30
MOST_SESSIONS_OF_AN_AGENT = 10
MOST_PROJECTS_NAMED = 100
"""A sign-in to more is bound to the one that was chosen."""

MOST_AGENTS_NAMED = 25
"""An access token travels in a header, of which servers take 16 KiB."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?")
_PROJECT_NAMES = {"pt": "Projeto Principal"}
_KEY_NAMES = {"pt": "Primeira chave"}


@dataclass(frozen=True, slots=True)
class NewAccount:
    """All that one registration makes. Ids are minted by the use case."""

    tenant_id: str
    user_id: str
    member_id: str
    project_id: str
    project_member_id: str
    agent_id: str
    pipeline_id: str
    company: str
    slug: str
    name: str
    email: str
    password_hash: str
    language: str
    timezone: str
    country: str = COUNTRY

    @property
    def project_name(self) -> str:
        """Return the default project's name in the account's language."""
        return _PROJECT_NAMES.get(self.language.partition("-")[0], "Main project")

    @property
    def key_name(self) -> str:
        """Return the first API key's name in the account's language."""
        return _KEY_NAMES.get(self.language.partition("-")[0], "First key")


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in. `active` also asks whether their tenant still exists as one."""

    tenant_id: str
    id: str
    name: str
    email: str
    language: str
    timezone: str
    owner: bool
    active: bool


@dataclass(frozen=True, slots=True)
class Organisation:
    """How a tenant is called, and in which language it is written to."""

    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Membership:
    """A project that a user may work in, with what they are there. Owners are admins everywhere."""

    project_id: str
    name: str
    role: str
    is_default: bool
    agent_id: str | None


@dataclass(frozen=True, slots=True)
class FoundUser:
    """What is known of an e-mail address before anybody signed in."""

    tenant_id: str
    user_id: str
    password_hash: str


def default_of(memberships: list[Membership], wanted: str | None = None) -> Membership | None:
    """Return the wanted project, or else the default or only one; None where there is none."""
    if wanted is not None:
        return next((each for each in memberships if each.project_id == wanted), None)
    return next((each for each in memberships if each.is_default), memberships[0] if memberships else None)


def named_in_token(memberships: list[Membership], chosen: Membership | None) -> list[Membership]:
    """Return the projects that an access token opens."""
    if len(memberships) <= MOST_PROJECTS_NAMED:
        return memberships
    return [] if chosen is None else [chosen]


def agents_in_token(named: list[Membership], chosen: Membership | None) -> dict[str, str]:
    """Return the agents that an access token names, by project: all of them, or that of the chosen one."""
    known = named if len(named) <= MOST_AGENTS_NAMED else [each for each in named if each == chosen]
    return {each.project_id: each.agent_id for each in known if each.agent_id is not None}


def is_language(text: str) -> bool:
    """Tell whether that is a BCP 47 language of up to 10 characters."""
    return len(text) <= 10 and _LANGUAGE.fullmatch(text) is not None


def read_language(text: str | None) -> str:
    """Return a BCP 47 language of up to 10 characters; raise DomainError naming the field."""
    if text is None:
        return LANGUAGE
    if not is_language(text):
        raise refused("language", "bad_format", "a language like pt-BR expected")
    return text


def read_timezone(text: str | None) -> str:
    """Return an IANA zone; raise DomainError naming the field."""
    if text is None:
        return TIMEZONE
    if text not in available_timezones():
        raise refused("timezone", "bad_format", "a zone like America/Sao_Paulo expected")
    return text
