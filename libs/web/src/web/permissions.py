"""Who may do what: the table of roles and permissions, once, as data. Routes, documents and the matrix test read it."""

from collections.abc import Mapping

EVERYBODY = (
    "sessions.view",
    "messages.view",
    "contacts.view",
    "pipelines.view",
    "campaigns.view",
    "sequences.view",
    "members.view",
    "channels.view",
)
WORKERS = ("sessions.manage", "messages.send", "contacts.manage")
LEADERS = ("contacts.export", "pipelines.manage", "campaigns.manage", "sequences.manage", "analytics.export")
READERS = ("analytics.view", "settings.view")
ADMINISTRATORS = ("members.manage", "channels.manage", "settings.manage")
OWNERS = ("billing.view", "billing.manage")

PERMISSIONS: frozenset[str] = frozenset((*EVERYBODY, *WORKERS, *LEADERS, *READERS, *ADMINISTRATORS, *OWNERS))

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": frozenset((*EVERYBODY, *READERS)),
    "agent": frozenset((*EVERYBODY, *WORKERS)),
    "supervisor": frozenset((*EVERYBODY, *WORKERS, *LEADERS, *READERS)),
    "admin": frozenset((*EVERYBODY, *WORKERS, *LEADERS, *READERS, *ADMINISTRATORS)),
}
"""Roles of a project. Being an owner is a flag of the user: admin everywhere, plus billing."""

ALIASES: Mapping[str, str] = {"manager": "supervisor", "user": "agent", "readonly": "viewer"}
"""Other names that are accepted on input."""

RANKS: Mapping[str, int] = {"viewer": 1, "agent": 2, "supervisor": 3, "admin": 4, "owner": 5}
"""`code (supervisor)` asks for at least that rank."""

MARKERS = frozenset(("public", "self", "owner", "operator"))
"""What a route may declare instead of a permission: nobody signs in, any signed-in caller, an owner, platform staff."""


def role_named(name: str) -> str | None:
    """Return the role that `name` or its alias stands for, or None."""
    name = ALIASES.get(name, name)
    return name if name in ROLES else None


def permissions_of(role: str, *, owner: bool = False) -> frozenset[str]:
    """Return the permissions of a role (or alias); an owner has all of them. Raises KeyError for an unknown role."""
    return PERMISSIONS if owner else ROLES[ALIASES.get(role, role)]
