"""Access tokens: JWTs of the profile in RFC 9068 (`at+jwt`), signed with Ed25519.

The algorithm is called `EdDSA` in their header: that is the name that libraries of customers know (RFC 8037). Its successor in
RFC 9864, `Ed25519`, is what internal tokens say, so that neither can ever pass for the other.
"""

from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwa import EdDSAAlgorithm
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry
from web.pem_keys import keys_of_pem

from identity.domain.account import Membership, User, agents_in_token, named_in_token
from identity.domain.lifetimes import Lifetimes

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
AUDIENCE = "ventros-api"


_EDDSA = EdDSAAlgorithm()


class _OnlyEdDSA(JWSRegistry):
    """One algorithm and no other, without joserfc's warning about its name."""

    def get_alg(self, name: str) -> Any:
        if name != ALGORITHM:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not supported")
        return _EDDSA


ONLY_EDDSA = _OnlyEdDSA(algorithms=[ALGORITHM])


class SignedAccessTokens:
    """Signs with the first key; publishes all, so that tokens of the one before stay good while it is replaced."""

    def __init__(self, private_keys_pem: str, issuer: str, lifetimes: Lifetimes) -> None:
        """`private_keys_pem` holds one or several PKCS 8 blocks. Raises ValueError where the first is not private."""
        keys = keys_of_pem(private_keys_pem)
        if "d" not in keys[0]:
            raise ValueError("the first key must be a private Ed25519 key")
        self._key = OKPKey.import_key(keys[0])
        self._header = {"alg": ALGORITHM, "typ": TYPE, "kid": keys[0]["kid"]}
        self._public = [
            {name: value for name, value in key.items() if name != "d"} | {"use": "sig", "alg": ALGORITHM}
            for key in keys
        ]
        self._issuer = issuer
        self._lifetimes = lifetimes

    def issue(
        self,
        user: User,
        memberships: list[Membership],
        chosen: Membership | None,
        sign_in_id: str,
        token_id: str,
        now: datetime,
    ) -> str:
        """Return an access token. `dpr` is the project of a call that names none, `agt` the user's agent by project."""
        named = named_in_token(memberships, chosen)
        issued = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": user.id,
            "tid": user.tenant_id,
            "own": user.owner,
            "prj": {each.project_id: each.role for each in named},
            "agt": agents_in_token(named, chosen),
            "dpr": None if chosen is None else chosen.project_id,
            "sid": sign_in_id,
            "jti": token_id,
            "iat": issued,
            "exp": issued + self._lifetimes.access_seconds,
        }
        return jwt.encode(dict(self._header), claims, self._key, registry=ONLY_EDDSA)

    def public_keys(self) -> dict[str, Any]:
        """Return the JWKS of what tokens are signed with."""
        return {"keys": [dict(key) for key in self._public]}
