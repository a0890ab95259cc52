"""Signing keys: what is published is what is signed with, the gateway believes it and nobody else, and none has been in use too long."""

import base64
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from local_stack.doctor.finding import Finding, Of, make
from local_stack.instances import Instance
from local_stack.process_table import url

KEYS = Of("keys")
OLDEST_DAYS = 90
MOST_PUBLISHED = 2
_NOBODY = "00000000-0000-0000-0000-000000000000"
_BLOCK = re.compile(r"-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----", re.DOTALL)
_ROTATE = 'services/identity/README.md, "Changing the signing key", says how, without refusing anybody'
_ROTATE_INNER = 'services/api-gateway/README.md, "Changing the key of internal tokens", says how'


async def examine(instance: Instance) -> list[Finding]:
    """Be identity for a moment, for somebody who does not exist; then a forger."""
    key = _signing_key(instance)
    gateway, logs = url(instance, "gateway"), make(instance, "logs SERVICE=identity")
    async with httpx.AsyncClient(base_url=gateway, timeout=10, trust_env=False) as client:
        try:
            answer = await client.get("/.well-known/jwks.json")
            published = [str(each["kid"]) for each in answer.json()["keys"]]
            genuine = await _passes(client, gateway, key)
            forged = await _passes(client, gateway, Ed25519PrivateKey.generate())
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            told = f"the public ones cannot be read at {gateway}/.well-known/jwks.json ({type(error).__name__})"
            return [KEYS.fail(told, logs), *_ages(instance)]
    if not published or published[0] != _id_of(key):
        found = [KEYS.fail("identity publishes others than it was given to sign with", make(instance, "down up"))]
    elif not genuine:
        told = "the gateway refuses what the published key signed"
        found = [KEYS.fail(told, f"{make(instance, 'logs SERVICE=api-gateway')}: does it reach identity?")]
    elif forged:
        found = [KEYS.fail("the gateway believes a token that nobody we know has signed", "stop it: anybody gets in")]
    elif len(published) > MOST_PUBLISHED:
        told = f"{len(published)} are published: whoever has any of them is believed"
        found = [KEYS.warn(told, "take those out that have not signed for an hour")]
    else:
        others = f", {len(published) - 1} more is published" if len(published) > 1 else ""
        found = [KEYS.ok(f"access tokens are signed with {published[0][:8]}…, and the gateway goes by it{others}")]
    return [*found, *_ages(instance)]


def _signing_key(instance: Instance) -> Ed25519PrivateKey:
    (first, *_) = _BLOCK.findall(instance.secrets["jwt_private_key"])
    key = load_pem_private_key(first.encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


async def _passes(client: httpx.AsyncClient, issuer: str, key: Ed25519PrivateKey) -> bool:
    """Tell whether the gateway lets in who is nobody, in no project: whatever else it answers, it is not 401."""
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": _id_of(key)}
    now = int(time.time())
    who = {"sub": _NOBODY, "tid": _NOBODY, "sid": _NOBODY, "own": False, "prj": {}, "agt": {}, "dpr": None}
    claims = {**who, "iss": issuer, "aud": "ventros-api", "jti": _NOBODY, "iat": now, "exp": now + 30}
    signed = f"{_encoded(_json(header))}.{_encoded(_json(claims))}"
    token = f"{signed}.{_encoded(key.sign(signed.encode()))}"
    answer = await client.get("/api/v1/crm/contacts", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code != 401


def _id_of(key: Ed25519PrivateKey) -> str:
    """The thumbprint of RFC 7638."""
    x = _encoded(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    return _encoded(hashlib.sha256(_json({"crv": "Ed25519", "kty": "OKP", "x": x})).digest())


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _ages(instance: Instance) -> list[Finding]:
    """By the time of their files, which are written when they change and never otherwise."""
    found = []
    for name, what, repair in (
        ("jwt_private_key", "access tokens", _ROTATE),
        ("internal_token_private_key", "internal tokens", _ROTATE_INNER),
    ):
        file = instance.folder / "keys" / name
        if file.exists() and (days := _days_since(file)) > OLDEST_DAYS:
            found.append(KEYS.warn(f"{what} have been signed with the same one for {days} days", repair))
    return found


def _days_since(file: Path) -> int:
    return int((time.time() - file.stat().st_mtime) // 86_400)
