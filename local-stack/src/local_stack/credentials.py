"""The random secrets of one installation, made at its first start."""

import base64
import secrets
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SERVICES = (
    "identity",
    "contact",
    "session",
    "messaging",
    "pipeline-automation",
    "billing",
    "channel-gateway",
    "api-gateway",
)
SERVICES_WITH_SCHEMA = SERVICES[:-1]
_ROLES = ("owner", "app", "relay")


def _password() -> str:
    return secrets.token_urlsafe(24)


def _ed25519_pem() -> str:
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def public_pem(private_pem: str) -> str:
    """The public half of a private key, as SubjectPublicKeyInfo PEM."""
    key = serialization.load_pem_private_key(private_pem.encode(), password=None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def make_secrets() -> dict[str, Any]:
    """Everything secret that an instance needs, none of it derived from anything."""
    return {
        "postgres": {
            "superuser": _password(),
            "services": {name: {role: _password() for role in _ROLES} for name in SERVICES_WITH_SCHEMA},
        },
        "rabbitmq": {
            "cookie": secrets.token_hex(24).upper(),
            "users": {name: _password() for name in ("topology", "tests", *SERVICES)},
        },
        "jwt_private_key": _ed25519_pem(),
        "internal_token_private_key": _ed25519_pem(),
        "encryption_aes_key": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "waha_api_key": secrets.token_hex(24),
        "simulator_control_key": secrets.token_hex(24),
    }
