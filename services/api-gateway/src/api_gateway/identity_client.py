"""What the gateway asks of identity: its public keys, whose API key a hash is, and what was withdrawn."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from kernel.clock import Clock, utc_now
from kernel.errors import DomainError
from kernel.ids import new_id
from telemetry.logs import get_logger
from web.bodies import write_time
from web.caller import Caller
from web.internal_tokens import HEADER, InternalTokenIssuer

from api_gateway.api_keys import ResolvedKey
from api_gateway.memberships import MembershipChange
from api_gateway.operations import OWN
from api_gateway.principals import Principal, Rights
from api_gateway.upstream import Answer, Upstream
from api_gateway.withdrawals import Withdrawal

log = get_logger(__name__)

JWKS = "/.well-known/jwks.json"
RESOLVE = "/api/v1/internal/api-keys/resolve"
WITHDRAWALS = "/api/v1/internal/withdrawals"
ASKING_S = 3.0
LOOK_BACK = timedelta(hours=1)
MOST_PAGES = 10
NOBODY = "00000000-0000-0000-0000-000000000000"
REASONS = {
    "revoked": ("token_revoked", "the API key was revoked"),
    "expired": ("api_key_expired", "the API key has expired"),
}


@dataclass(frozen=True)
class Lately:
    """What lost its validity in the last hour."""

    withdrawals: list[Withdrawal] = field(default_factory=list)
    memberships: list[MembershipChange] = field(default_factory=list)


class IdentityClient:
    """Asks identity, as the system and in nobody's name."""

    def __init__(self, upstream: Upstream, issuer: InternalTokenIssuer, clock: Clock = utc_now) -> None:
        self._upstream = upstream
        self._issuer = issuer
        self._clock = clock

    async def signing_keys(self) -> Mapping[str, Any]:
        """Return the JWKS; raise dependency_unavailable."""
        return _object(await self._upstream.ask("GET", JWKS, timeout_s=ASKING_S))

    async def resolve(self, key_hash: str) -> ResolvedKey:
        """Return whose key it is; raise invalid_credentials, token_revoked, api_key_expired, dependency_unavailable."""
        headers = [*self._headers(), (b"content-type", b"application/json")]
        body = json.dumps({"key_hash": key_hash}).encode()
        answer = await self._upstream.ask("POST", RESOLVE, headers, body, timeout_s=ASKING_S)
        if answer.status == 404:
            code, detail = REASONS.get(_reason(answer), ("invalid_credentials", "there is no such API key"))
            raise DomainError(code, detail)
        return _resolved(_object(answer))

    async def withdrawals(self) -> Lately:
        """Return what was withdrawn in the last hour; raise dependency_unavailable."""
        found = Lately()
        since = write_time(self._clock() - LOOK_BACK)
        for _ in range(MOST_PAGES):
            target = f"{WITHDRAWALS}?since={quote(since)}"
            told = _object(await self._upstream.ask("GET", target, self._headers(), timeout_s=ASKING_S))
            found.withdrawals.extend(
                _withdrawal(each) for each in told["data"] if each["kind"] in ("sign_in", "api_key")
            )
            found.memberships.extend(_change(each) for each in told["data"] if each["kind"] == "membership")
            if not told["has_more"] or told["data"][-1]["at"] == since:
                break
            since = told["data"][-1]["at"]
        return found

    def _headers(self) -> list[tuple[bytes, bytes]]:
        system = Caller(NOBODY, None, OWN, "system", NOBODY, "", False, frozenset(), None, new_id(), new_id())
        return [(HEADER.encode(), self._issuer.issue(system, "identity").encode())]


def _resolved(told: Mapping[str, Any]) -> ResolvedKey:
    expires_at = told["expires_at"]
    principal = Principal(
        tenant_id=told["tenant_id"],
        subject=told["credential_id"],
        subject_kind="api_key",
        credential_id=told["credential_id"],
        projects={each["project_id"]: _rights(each) for each in told["projects"]},
        default_project_id=told["project_id"],
    )
    expiry = None if expires_at is None else datetime.fromisoformat(expires_at)
    return ResolvedKey(principal, expiry, told["user_id"])


def _rights(told: Mapping[str, Any]) -> Rights:
    return Rights(told["role"], told["owner"] is True, frozenset(told["permissions"]), told["agent_id"])


def _withdrawal(told: Mapping[str, Any]) -> Withdrawal:
    at = datetime.fromisoformat(told["at"])
    if told["kind"] == "api_key":
        return Withdrawal(at=at, api_key_id=told["id"])
    return Withdrawal(at=at, sign_in_id=told["id"])


def _change(told: Mapping[str, Any]) -> MembershipChange:
    return MembershipChange(told["revision"], told["user_id"], told["project_id"], told["role"], told["agent_id"])


def _object(answer: Answer) -> Mapping[str, Any]:
    """Return what identity told; anything but that counts as an identity that is away."""
    try:
        told = json.loads(answer.body) if answer.status == 200 else None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        log.error("identity refused the gateway", status=answer.status)
        raise DomainError("dependency_unavailable", "identity does not answer")
    return told


def _reason(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body).get("reason", ""))
    except (ValueError, AttributeError):
        return ""
