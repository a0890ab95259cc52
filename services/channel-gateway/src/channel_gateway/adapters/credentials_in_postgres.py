"""Secrets at rest: only their ciphertext is stored, and nothing reads it back but whoever uses the secret."""

from collections.abc import Callable, Sequence

from postgres.database import Connection

from channel_gateway.adapters.vault import Vault

KEEP = (
    "insert into credentials (tenant_id, id, project_id, type, name, key_id, nonce, ciphertext)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8)"
)
REPLACE = (
    "update credentials set key_id = $3, nonce = $4, ciphertext = $5, version = version + 1, updated_at = now()"
    " where tenant_id = $1 and id = $2"
)
FORGET = "delete from credentials where tenant_id = $1 and id = any($2::uuid[])"


class CredentialsInPostgres:
    """The credentials inside one transaction."""

    def __init__(self, connection: Connection, vault: Vault, new_id: Callable[[], str]) -> None:
        self._connection = connection
        self._vault = vault
        self._new_id = new_id

    async def keep(self, tenant_id: str, project_id: str, kind: str, name: str, secret: str) -> str:
        """Store a secret; return its id."""
        credential_id = self._new_id()
        sealed = self._vault.seal(secret, tenant_id, credential_id)
        await self._connection.execute(
            KEEP,
            tenant_id,
            credential_id,
            project_id,
            kind,
            name,
            sealed.key_id,
            sealed.nonce,
            sealed.ciphertext,
        )
        return credential_id

    async def replace(self, tenant_id: str, credential_id: str, secret: str) -> None:
        """Put a new secret in the place of the old one."""
        sealed = self._vault.seal(secret, tenant_id, credential_id)
        await self._connection.execute(
            REPLACE, tenant_id, credential_id, sealed.key_id, sealed.nonce, sealed.ciphertext
        )

    async def forget(self, tenant_id: str, credential_ids: Sequence[str]) -> None:
        """Destroy secrets."""
        await self._connection.execute(FORGET, tenant_id, list(credential_ids))
