"""Secrets at rest: AES-256-GCM with a 96-bit random nonce, bound to the tenant and the row that hold them."""

import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from postgres.database import Database

KEY_BYTES = 32
NONCE_BYTES = 12


class SealBroken(Exception):  # noqa: N818 - named for what is wrong with the secret
    """A secret cannot be read: its key is missing or wrong, or the row was tampered with."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is stored."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


class Vault:
    """Seals with the first key; reads what any of the keys has sealed."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys` by their ids, 32 bytes each, the one in use first."""
        if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise ValueError("ENCRYPTION_AES_KEY must hold keys of 32 bytes")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._in_use = next(iter(keys))

    def seal(self, secret: str, tenant_id: str, row_id: str) -> Sealed:
        """Return the secret encrypted for one row of one tenant."""
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = self._ciphers[self._in_use].encrypt(nonce, secret.encode(), _bound_to(tenant_id, row_id))
        return Sealed(self._in_use, nonce, ciphertext)

    def open(self, sealed: Sealed, tenant_id: str, row_id: str) -> str:
        """Return the secret of that row. Raises SealBroken."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise SealBroken(f"ENCRYPTION_AES_KEY has no key with the id {sealed.key_id}")
        try:
            return cipher.decrypt(sealed.nonce, sealed.ciphertext, _bound_to(tenant_id, row_id)).decode()
        except InvalidTag:
            raise SealBroken(f"the key {sealed.key_id} of ENCRYPTION_AES_KEY is not the one that was used") from None

    async def check(self, database: Database) -> None:
        """Read one stored secret of each key. Raises SealBroken: with a wrong key no webhook could be verified."""
        async with database.connection() as connection:
            for row in await connection.fetch("select * from secrets_by_key()"):
                sealed = Sealed(row["key_id"], row["nonce"], row["ciphertext"])
                self.open(sealed, str(row["tenant_id"]), str(row["id"]))


def read_keys(text: str) -> dict[str, bytes]:
    """Return the keys of `id:base64[,id:base64…]`. Raises ValueError, which quotes nothing of it."""
    keys: dict[str, bytes] = {}
    for key_id, encoded in _pairs(text):
        try:
            key = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            key = b""
        if not key_id or len(key) != KEY_BYTES or key_id in keys:
            raise ValueError("ENCRYPTION_AES_KEY must hold `id:` and 32 bytes in base64, each id once")
        keys[key_id] = key
    return keys


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    for each in text.split(","):
        key_id, _, encoded = each.strip().partition(":")
        yield key_id, encoded


def _bound_to(tenant_id: str, row_id: str) -> bytes:
    return f"{tenant_id}\x00{row_id}".encode()
