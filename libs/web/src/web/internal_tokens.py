"""Internal tokens: what the gateway tells a service about the caller, signed, for one service, for a minute.

Ed25519 only (`alg: Ed25519`, the name of RFC 9864): the algorithm is pinned, so `none`, HMAC with a public key and keys
embedded in the token never come into question. A service refuses what was made for another one.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from kernel.errors import DomainError
from starlette.requests import Request

from web.caller import Caller

HEADER = "X-Internal-Token"
ALGORITHM = "Ed25519"
TYPE = "ventros-internal+jwt"
ISSUER = "ventros-gateway"
LIFE_S = 60
MOST_REMEMBERED = 2048
MOST_CHARACTERS = 8192

_EMBEDDED = frozenset(("jwk", "jku", "x5u", "x5c"))
_SUBJECT_KINDS = ("user", "api_key", "operator", "system")


def make_key() -> dict[str, Any]:
    """Return a fresh private key as a JWK. Its public half is `public_part(key)`."""
    return dict(OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True).as_dict(private=True))


def public_part(*keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JWKS of the public halves of private (or public) JWKs."""
    return {"keys": [dict(OKPKey.import_key(dict(key)).as_dict(private=False)) for key in keys]}


class InternalTokenIssuer:
    """Signs internal tokens. Only the gateway has one."""

    def __init__(self, private_key: Mapping[str, Any], now: Callable[[], float] = time.time) -> None:
        self._key = OKPKey.import_key(dict(private_key))
        self._header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._key.kid}
        self._now = now

    def issue(self, caller: Caller, audience: str) -> str:
        """Return a token for `audience`, the name of one service."""
        issued = int(self._now())
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "iat": issued,
            "exp": issued + LIFE_S,
            "tenant_id": caller.tenant_id,
            "project_id": caller.project_id,
            "sub": caller.subject,
            "subject_kind": caller.subject_kind,
            "credential_id": caller.credential_id,
            "role": caller.role,
            "owner": caller.owner,
            "permissions": sorted(caller.permissions),
            "agent_id": caller.agent_id,
            "request_id": caller.request_id,
            "correlation_id": caller.correlation_id,
        }
        return jwt.encode(dict(self._header), claims, self._key, algorithms=[ALGORITHM])


class Tokens(Protocol):
    """How an application learns who is asking."""

    async def caller_of(self, request: Request) -> Caller | None:
        """Return the caller, or None where no credential was sent; raise DomainError (401) for a bad one."""


class InternalTokens:
    """Verifies internal tokens for one service. What was verified is remembered until it expires."""

    def __init__(self, audience: str, public_keys: Mapping[str, Any], now: Callable[[], float] = time.time) -> None:
        """`public_keys` is the gateway's JWKS: several keys while one is being replaced."""
        self._audience = audience
        keys = [dict(key) for key in public_keys["keys"]]
        if not keys or any(key.get("crv") != "Ed25519" or "d" in key for key in keys):
            raise ValueError("internal tokens are verified with public Ed25519 keys only")
        self._keys = KeySet.import_key_set({"keys": keys})
        self._now = now
        self._remembered: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    async def caller_of(self, request: Request) -> Caller | None:
        """Return the caller that the request's token names; None where there is no token."""
        text = request.headers.get(HEADER)
        return None if text is None else self.verify(text)

    def verify(self, text: str) -> Caller:
        """Return the caller; raise DomainError unauthenticated or token_expired."""
        remembered = self._remembered.get(text)
        if remembered is not None and remembered[0] > self._now():
            return remembered[1]
        if len(text) > MOST_CHARACTERS:
            raise _refused()
        try:
            token = jwt.decode(text, self._keys, algorithms=[ALGORITHM])
        except (JoseError, ValueError) as error:
            raise _refused() from error
        expires, caller = self._read(token.header, token.claims)
        self._remembered[text] = (expires, caller)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return caller

    def _read(self, header: Mapping[str, Any], claims: dict[str, Any]) -> tuple[float, Caller]:
        if (
            header.get("typ") != TYPE
            or claims.get("aud") != self._audience
            or not {"jwk", "jku", "x5u"}.isdisjoint(header)
        ):
            raise _refused()
        try:
            expires = float(claims["exp"])
            if expires <= self._now():
                raise DomainError("token_expired", "the internal token has expired")
            if (
                claims["iss"] != ISSUER
                or claims["subject_kind"] not in _SUBJECT_KINDS
                or expires > claims["iat"] + LIFE_S
            ):
                raise _refused()
            return expires, Caller(
                tenant_id=claims["tenant_id"],
                project_id=claims["project_id"],
                subject=claims["sub"],
                subject_kind=claims["subject_kind"],
                credential_id=claims["credential_id"],
                role=claims["role"],
                owner=claims["owner"] is True,
                permissions=frozenset(claims["permissions"]),
                agent_id=claims["agent_id"],
                request_id=claims["request_id"],
                correlation_id=claims["correlation_id"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _refused() from error


def _refused() -> DomainError:
    return DomainError("unauthenticated", "the internal token is not valid here")
