"""Deleting what has ended: sign-ins a month after they expired, failed attempts after a day, the rest after a week.

The rest: mails and their tokens, invitations, and what changed in memberships. The audit log gets its months ahead, and loses whole
months after two years.
"""

import asyncio
from datetime import timedelta

from outbox.regularly import regularly
from outbox.work import Works

from identity.application.work import NOBODY

EVERY_S = 3600.0
SIGN_INS_KEPT_FOR = timedelta(days=30)
ATTEMPTS_KEPT_FOR = timedelta(days=1)
MAILS_KEPT_FOR = timedelta(days=7)
"""Those that were given up, and the tokens of those that were sent."""
INVITATIONS_KEPT_FOR = timedelta(days=7)
"""After they expired, whatever became of them; as long as what changed in memberships, which gateways ask for within hours."""

KEEP_AUDIT_PARTITIONS = "select keep_audit_partitions(24)"

TENANTS = "select tenants_with_ended_sign_ins($1)::text as tenant_id"
# Their refresh tokens go with them.
DELETE_SIGN_INS = "delete from sign_ins where tenant_id = any($1::uuid[]) and expires_at < $2"
DELETE_ATTEMPTS = "delete from sign_in_failures where tenant_id = $1 and last_at < $2"

WITH_MAIL = "select tenants_with_old_mail($1)::text as tenant_id"
DELETE_MAILS = "delete from mails where tenant_id = any($1::uuid[]) and due_at is null and created_at < $2"
DELETE_MAIL_TOKENS = "delete from mail_tokens where tenant_id = any($1::uuid[]) and expires_at < $2"

WITH_INVITATIONS = "select tenants_with_old_memberships($1)::text as tenant_id"
DELETE_INVITATIONS = "delete from invitations where tenant_id = any($1::uuid[]) and expires_at < $2"
DELETE_CHANGES = "delete from membership_changes where tenant_id = any($1::uuid[]) and changed_at < $2"


class Forgetting:
    """A kernel Role: forgets once an hour."""

    name = "forgetting"

    def __init__(self, works: Works) -> None:
        self._works = works

    async def run(self, stopping: asyncio.Event) -> None:
        """Forget until told to stop."""
        await regularly(self.name, self.run_once, stopping, every_s=EVERY_S)

    async def run_once(self) -> None:
        """Delete what is due now."""
        now = self._works.clock()
        async with self._works.begin([NOBODY]) as work:
            await work.connection.execute(DELETE_ATTEMPTS, NOBODY, now - ATTEMPTS_KEPT_FOR)
            rows = await work.connection.fetch(TENANTS, now - SIGN_INS_KEPT_FOR)
            mailed = await work.connection.fetch(WITH_MAIL, now - MAILS_KEPT_FOR)
            await work.connection.execute(KEEP_AUDIT_PARTITIONS)
            invited = await work.connection.fetch(WITH_INVITATIONS, now - INVITATIONS_KEPT_FOR)
        tenants = [row["tenant_id"] for row in rows]
        if tenants:
            async with self._works.begin(tenants) as work:
                await work.connection.execute(DELETE_SIGN_INS, tenants, now - SIGN_INS_KEPT_FOR)
        tenants = [row["tenant_id"] for row in mailed]
        if tenants:
            async with self._works.begin(tenants) as work:
                await work.connection.execute(DELETE_MAILS, tenants, now - MAILS_KEPT_FOR)
                await work.connection.execute(DELETE_MAIL_TOKENS, tenants, now - MAILS_KEPT_FOR)
        tenants = [row["tenant_id"] for row in invited]
        if tenants:
            async with self._works.begin(tenants) as work:
                await work.connection.execute(DELETE_INVITATIONS, tenants, now - INVITATIONS_KEPT_FOR)
                await work.connection.execute(DELETE_CHANGES, tenants, now - INVITATIONS_KEPT_FOR)
