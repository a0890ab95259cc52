"""Mails that are to be sent, and the tokens that they carried, in Postgres."""

from collections.abc import Collection
from datetime import datetime

import asyncpg
from postgres.database import Connection

PUT_IN = "insert into mails (tenant_id, id, kind, address, about_id, due_at) values ($1, $2, $3, $4, $5, $6)"

NEXT_DUE = "select tenant_id::text, id::text from next_due_mail($1)"

CLAIM = """
update mails set attempts = attempts + 1, due_at = $4
where tenant_id = $1 and id = $2 and due_at <= $3
returning id, kind, address, about_id, attempts
"""

PUT_OFF = "update mails set due_at = $3, error = $4 where tenant_id = $1 and id = $2"

DELETE = "delete from mails where tenant_id = $1 and id = $2"

REMEMBER = """
insert into mail_tokens (tenant_id, id, kind, about_id, mail_id, token_hash, expires_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""

# One that is sent again has a token for each time.
COUNT_OTHERS = """
select count(distinct mail_id) from mail_tokens
where tenant_id = $1 and kind = $2 and about_id = $3 and mail_id <> $4 and created_at > $5
"""

FIND_TOKEN = "select tenant_id::text, id::text from find_mail_token($1)"  # noqa: S105

TOKEN = "select kind, about_id, expires_at, used_at from mail_tokens where tenant_id = $1 and id = $2"  # noqa: S105

# All of them at once: what one mail opened, no other opens again.
USE_UP = """
update mail_tokens set used_at = $4
where tenant_id = $1 and kind = $2 and about_id = $3 and used_at is null and expires_at > $4
returning token_hash
"""


class MailsInPostgres:
    """The tables of mails, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put_in(
        self, tenant_id: str, mail_id: str, kind: str, address: str, about_id: str | None, now: datetime
    ) -> None:
        """Store a mail, to be sent at once."""
        await self._connection.execute(PUT_IN, tenant_id, mail_id, kind, address, about_id, now)

    async def next_due(self, now: datetime) -> tuple[str, str] | None:
        """Return tenant and id of the mail that is due longest, of whatever tenant."""
        row = await self._connection.fetchrow(NEXT_DUE, now)
        return None if row is None else (row["tenant_id"], row["id"])

    async def claim(self, tenant_id: str, mail_id: str, now: datetime, until: datetime) -> asyncpg.Record | None:
        """Take a mail for oneself until that moment; None where somebody else was faster."""
        return await self._connection.fetchrow(CLAIM, tenant_id, mail_id, now, until)

    async def put_off(self, tenant_id: str, mail_id: str, due_at: datetime | None, error: str) -> None:
        """Try again later, or never."""
        await self._connection.execute(PUT_OFF, tenant_id, mail_id, due_at, error)

    async def delete(self, tenant_id: str, mail_id: str) -> None:
        """Forget a mail: it was sent, or there is nobody to send it to."""
        await self._connection.execute(DELETE, tenant_id, mail_id)

    async def keep_token(
        self,
        tenant_id: str,
        token_id: str,
        kind: str,
        about_id: str,
        mail_id: str,
        token_hash: bytes,
        until: datetime,
        now: datetime,
    ) -> None:
        """Store the hash of a token that is about to be mailed."""
        await self._connection.execute(REMEMBER, tenant_id, token_id, kind, about_id, mail_id, token_hash, until, now)

    async def count_others(self, tenant_id: str, kind: str, about_id: str, mail_id: str, since: datetime) -> int:
        """Return how many other mails about one thing were sent since."""
        count: int = await self._connection.fetchval(COUNT_OTHERS, tenant_id, kind, about_id, mail_id, since)
        return count

    async def find_token(self, token_hash: bytes) -> tuple[str, str] | None:
        """Return tenant and id of a token, whatever its state."""
        row = await self._connection.fetchrow(FIND_TOKEN, token_hash)
        return None if row is None else (row["tenant_id"], row["id"])

    async def token(self, tenant_id: str, token_id: str) -> asyncpg.Record:
        """Return a token's row."""
        row = await self._connection.fetchrow(TOKEN, tenant_id, token_id)
        assert row is not None
        return row

    async def use_up(self, tenant_id: str, kind: str, about_id: str, now: datetime) -> Collection[bytes]:
        """Use up all living tokens of one thing; return their hashes."""
        rows = await self._connection.fetch(USE_UP, tenant_id, kind, about_id, now)
        return {row["token_hash"] for row in rows}
