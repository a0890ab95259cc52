"""Who may do what on the broker, in the format that RabbitMQ loads when it starts."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any

from local_stack.credentials import SERVICES

EVENTS_EXCHANGE = "ventros.events"
ALL_POWERFUL = "topology"
TESTS = "tests"


def password_hash(password: str, salt: bytes | None = None) -> str:
    """RabbitMQ's salted SHA-256: base64 of four bytes of salt and the digest of salt and password."""
    salt = secrets.token_bytes(4) if salt is None else salt
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def service_permissions(service: str) -> dict[str, str]:
    """A service declares nothing but its own temporary queues, reads its own queues and writes events."""
    name = re.escape(service).replace(r"\-", "-")
    temporary = rf"{name}\.tmp\..*|amq\.gen.*"
    events = re.escape(EVENTS_EXCHANGE)
    return {
        "configure": rf"^({temporary})$",
        "write": rf"^({events}|{temporary})$",
        "read": rf"^({name}\..*|amq\.gen.*|{events})$",
    }


def definitions(passwords: Mapping[str, str], *, for_tests: bool) -> dict[str, Any]:
    """The users and their rights; exchanges, queues and bindings belong to the topology job."""
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    rights = {ALL_POWERFUL: everything, **{service: service_permissions(service) for service in SERVICES}}
    if for_tests:
        rights[TESTS] = everything
    return {
        "vhosts": [{"name": "/"}],
        "users": [
            {
                "name": name,
                "password_hash": password_hash(passwords[name]),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
            }
            for name in rights
        ],
        "permissions": [{"user": name, "vhost": "/", **may} for name, may in rights.items()],
    }
