"""From a request's headers to who is asking. Two credentials are an error; headers that merely name somebody are nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from kernel.errors import DomainError
from starlette.datastructures import Headers
from web.permissions import permissions_of, role_named

from api_gateway.access_tokens import AccessToken, AccessTokens
from api_gateway.api_keys import ApiKeys
from api_gateway.memberships import Changes, Memberships
from api_gateway.principals import NO_RIGHTS, Principal, Rights
from api_gateway.withdrawals import Withdrawals

KEY_PREFIXES = ("vk_", "vo_")


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What was sent. Its text never leaves this process but hashed."""

    text: str

    @property
    def is_key(self) -> bool:
        """Tell an API key from an access token."""
        return self.text.startswith(KEY_PREFIXES)


def credential_of(headers: Headers) -> Credential | None:
    """Return the one credential of a request, or None; raise two_credentials, or unauthenticated for another scheme."""
    bearers, keys = headers.getlist("authorization"), headers.getlist("x-api-key")
    if len(bearers) + len(keys) > 1:
        raise DomainError("two_credentials", "send either Authorization or X-API-Key, once")
    if keys:
        if not keys[0].startswith(KEY_PREFIXES):
            raise DomainError("invalid_credentials", "there is no such API key")
        return Credential(keys[0])
    if not bearers:
        return None
    scheme, _, text = bearers[0].partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise DomainError("unauthenticated", "Authorization: Bearer <access token or API key> expected")
    return Credential(text.strip())


class Authenticator:
    """Verifies credentials."""

    def __init__(
        self,
        tokens: AccessTokens,
        keys: ApiKeys,
        withdrawals: Withdrawals,
        memberships: Memberships,
        withdrawals_known: Callable[[], bool],
    ) -> None:
        """`withdrawals_known`: whether the last hour was read. Before, no access token is let in."""
        self._tokens = tokens
        self._keys = keys
        self._withdrawals = withdrawals
        self._memberships = memberships
        self._withdrawals_known = withdrawals_known

    async def principal(self, credential: Credential) -> Principal:
        """Return who it is; raise a DomainError (401, or dependency_unavailable while identity is away)."""
        if credential.is_key:
            principal = await self._keys.principal(credential.text)
            if self._withdrawals.denies(principal.credential_id):
                raise DomainError("token_revoked", "the API key was revoked")
            return principal
        token = await self._tokens.verify(credential.text)
        if not self._withdrawals_known():
            raise DomainError("dependency_unavailable", "identity does not answer")
        if self._withdrawals.denies(token.sign_in_id, token.user_id):
            raise DomainError("token_revoked", "the sign-in has ended")
        return _principal(token, self._memberships.of(token.user_id))


def _principal(token: AccessToken, changes: Changes) -> Principal:
    """Return whose token it is, and what they are now where that changed since. Owners are admins in every project."""
    default, agents = token.claims.get("dpr"), token.claims.get("agt")
    named = agents if isinstance(agents, dict) else {}
    projects = {
        project: _rights(role, named.get(project), owner=token.owner) for project, role in token.projects.items()
    }
    for project, change in changes.items():
        if change.role is None:
            projects.pop(project, None)
        else:
            projects[project] = _rights(change.role, change.agent_id, owner=token.owner)
    return Principal(
        tenant_id=token.tenant_id,
        subject=token.user_id,
        subject_kind="user",
        credential_id=token.sign_in_id,
        projects=projects,
        default_project_id=default if isinstance(default, str) else None,
        elsewhere=_rights("admin", None, owner=True) if token.owner else NO_RIGHTS,
    )


def _rights(role: str, agent_id: object, *, owner: bool) -> Rights:
    known = "admin" if owner else role_named(role)
    if known is None:
        return NO_RIGHTS
    return Rights(known, owner, permissions_of(known, owner=owner), agent_id if isinstance(agent_id, str) else None)
