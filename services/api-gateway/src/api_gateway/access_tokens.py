"""Access tokens: made by identity, verified here with its public keys.

One algorithm, by name; whatever a token says about its own keys is refused. Times allow for 30 s between clocks.
"""

import base64
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import EdDSAAlgorithm
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry
from kernel.errors import DomainError
from telemetry.logs import get_logger

log = get_logger(__name__)

ALGORITHM = "EdDSA"
"""With Ed25519 keys only: the name that libraries of customers know. Internal tokens say `Ed25519` (RFC 9864)."""
TYPE = "at+jwt"
AUDIENCE = "ventros-api"
LEEWAY_S = 30
LONGEST_LIFE_S = 3600
KEPT_S = 300.0
REREAD_S = 10.0
MOST_CHARACTERS = 16_384
MOST_REMEMBERED = 2048
_HEADER_FIELDS = frozenset(("alg", "typ", "kid"))


_EDDSA = EdDSAAlgorithm()


class _OnlyEdDSA(JWSRegistry):
    """One algorithm and no other, without joserfc's warning about its older name."""

    def get_alg(self, name: str) -> Any:
        if name != ALGORITHM:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not supported")
        return _EDDSA


ONLY_EDDSA = _OnlyEdDSA(algorithms=[ALGORITHM])

FetchKeys = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a verified access token says, and which key says that it is true."""

    key_id: str
    user_id: str
    tenant_id: str
    sign_in_id: str
    owner: bool
    projects: Mapping[str, str]
    expires: float
    claims: Mapping[str, Any]


class SigningKeys:
    """The public keys of identity, kept 5 min; read again for an unknown key id, at most every 10 s."""

    def __init__(self, fetch: FetchKeys, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._now = now
        self._keys: dict[str, OKPKey] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None

    @property
    def known(self) -> bool:
        """Tell whether there is any key to verify with."""
        return bool(self._keys)

    async def key(self, key_id: str) -> OKPKey | None:
        """Return the key, None where identity does not have it; raise dependency_unavailable while none is known."""
        stale = self._read_at is None or self._now() - self._read_at > KEPT_S
        if stale or key_id not in self._keys:
            await self.refresh()
        if not self._keys:
            raise DomainError("dependency_unavailable", "identity does not answer")
        return self._keys.get(key_id)

    async def refresh(self) -> None:
        """Read the keys, unless that was tried in the last 10 s; those at hand stay when identity does not answer."""
        now = self._now()
        # While there is none at all, each request may try: nobody can be served without.
        if self._keys and self._tried_at is not None and now - self._tried_at < REREAD_S:
            return
        self._tried_at = now
        try:
            found = await self._fetch()
        except DomainError as error:
            log.warning("signing keys could not be read", error_code=error.code)
            return
        keys = [each for each in found.get("keys", ()) if each.get("kty") == "OKP" and each.get("crv") == "Ed25519"]
        self._keys = {str(each["kid"]): OKPKey.import_key(_public(each)) for each in keys if each.get("kid")}
        self._read_at = self._now()


class AccessTokens:
    """Verifies access tokens. What was verified is remembered, by its hash, until it expires or its key is taken away."""

    def __init__(self, keys: SigningKeys, issuer: str, now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._issuer = issuer
        self._now = now
        self._remembered: OrderedDict[bytes, AccessToken] = OrderedDict()

    async def verify(self, text: str) -> AccessToken:
        """Return what the token says; raise unauthenticated or token_expired."""
        if len(text) > MOST_CHARACTERS:
            raise _refused()
        digest = hashlib.sha256(text.encode()).digest()
        token = self._remembered.get(digest)
        if token is None:
            token = await self._verify(text)
            self._remembered[digest] = token
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        elif await self._keys.key(token.key_id) is None:
            raise _refused()  # a key that was stolen is taken away, and all that it signed goes with it
        if token.expires + LEEWAY_S <= self._now():
            raise DomainError("token_expired", "sign in again, or refresh")
        return token

    async def _verify(self, text: str) -> AccessToken:
        header = _header_of(text)
        if (
            header.get("alg") != ALGORITHM
            or header.get("typ") != TYPE
            or not isinstance(header.get("kid"), str)
            or not header.keys() <= _HEADER_FIELDS  # no jwk, jku, x5u, crit, b64, zip
        ):
            raise _refused()
        key = await self._keys.key(header["kid"])
        if key is None:
            raise _refused()
        try:
            claims = jwt.decode(text, key, registry=ONLY_EDDSA).claims
        except (JoseError, ValueError, TypeError) as error:
            raise _refused() from error
        return self._read(header["kid"], claims)

    def _read(self, key_id: str, claims: Mapping[str, Any]) -> AccessToken:
        if claims.get("iss") != self._issuer or claims.get("aud") != AUDIENCE:
            raise _refused()
        issued, expires = _moment(claims.get("iat")), _moment(claims.get("exp"))
        if issued > self._now() + LEEWAY_S or expires - issued > LONGEST_LIFE_S:
            raise _refused()
        names = [claims.get(name) for name in ("sub", "tid", "sid")]
        projects = claims.get("prj")
        if not all(isinstance(name, str) and name for name in names) or not isinstance(projects, dict):
            raise _refused()
        return AccessToken(
            key_id=key_id,
            user_id=str(names[0]),
            tenant_id=str(names[1]),
            sign_in_id=str(names[2]),
            owner=claims.get("own") is True,
            projects={str(project): str(role) for project, role in projects.items()},
            expires=expires,
            claims=claims,
        )


def _header_of(text: str) -> dict[str, Any]:
    head = text.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError) as error:
        raise _refused() from error
    if not isinstance(header, dict) or text.count(".") != 2:
        raise _refused()
    return header


def _moment(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused()
    return float(value)


def _public(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: key[name] for name in ("kty", "crv", "x", "kid") if name in key}


def _refused() -> DomainError:
    return DomainError("unauthenticated", "the access token is not valid")
