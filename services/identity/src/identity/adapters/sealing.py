"""Secrets that have to be read again: AES-256-GCM with a random nonce, bound to the tenant and user that they belong to."""

import base64
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class SealBrokenError(Exception):
    """A secret cannot be read: its key is missing or another, or the row was tampered with."""


class Sealing:
    """Seals with the first key; reads what any of the keys has sealed."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys` by their ids, the one in use first."""
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._in_use = next(iter(keys))

    def seal(self, secret: bytes, tenant_id: str, user_id: str) -> tuple[str, bytes]:
        """Return the key's id, and the secret as it may be kept."""
        nonce = os.urandom(NONCE_BYTES)
        return self._in_use, nonce + self._ciphers[self._in_use].encrypt(nonce, secret, _bound(tenant_id, user_id))

    def open(self, key_id: str, sealed: bytes, tenant_id: str, user_id: str) -> bytes:
        """Return the secret; raise SealBrokenError."""
        try:
            cipher = self._ciphers[key_id]
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(tenant_id, user_id))
        except (KeyError, InvalidTag):
            raise SealBrokenError(f"the key {key_id} of ENCRYPTION_AES_KEY is missing or another") from None


def read_keys(text: str) -> dict[str, bytes]:
    """Return the keys of `id:base64[,id:base64…]`. Raises ValueError, which quotes nothing of it."""
    keys: dict[str, bytes] = {}
    for each in text.split(","):
        key_id, _, encoded = each.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not key_id or len(key) != KEY_BYTES or key_id in keys:
            raise ValueError("ENCRYPTION_AES_KEY must hold `id:` and 32 bytes in base64, each id once")
        keys[key_id] = key
    return keys


def _bound(tenant_id: str, user_id: str) -> bytes:
    return f"second factor\x00{tenant_id}\x00{user_id}".encode()
