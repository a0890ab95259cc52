"""How API keys, refresh tokens and tokens in mails look, and what is kept of them: their SHA-256, never themselves.

32 random bytes need no slow hash: there is nothing to guess.
"""

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

RandomBytes = Callable[[int], bytes]
SECRET_BYTES = 32
PREFIX_BYTES = 4

API_KEY = re.compile(r"vk_[0-9a-f]{8}_[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential at the one moment when it is known in the clear. Its representation does not show it."""

    text: str = field(repr=False)
    prefix: str = ""

    @property
    def hash(self) -> bytes:
        """Return what is kept."""
        return hash_of(self.text)


def hash_of(text: str) -> bytes:
    """Return the SHA-256 of a credential."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def make_api_key(random: RandomBytes = secrets.token_bytes) -> Secret:
    """Return a fresh API key, `vk_<8 hex>_<64 hex>`; its prefix may be shown for ever."""
    prefix = f"vk_{random(PREFIX_BYTES).hex()}"
    return Secret(f"{prefix}_{random(SECRET_BYTES).hex()}", prefix)


def make_mail_token(random: RandomBytes = secrets.token_bytes) -> Secret:
    """Return a fresh token for a mail: 32 bytes in base64url."""
    return Secret(urlsafe_b64encode(random(SECRET_BYTES)).decode().rstrip("="))


def make_refresh_token(random: RandomBytes = secrets.token_bytes) -> Secret:
    """Return a fresh refresh token: 32 bytes in base64url."""
    return Secret(urlsafe_b64encode(random(SECRET_BYTES)).decode().rstrip("="))
