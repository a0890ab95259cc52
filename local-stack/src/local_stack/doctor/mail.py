"""Mail: the server greets us, or the folder takes files; and what was to be sent has left."""

import asyncio
import os
import smtplib
import ssl

import asyncpg

from local_stack.doctor.finding import Finding, Of, make, said
from local_stack.instances import Instance
from local_stack.process_table import mail_outbox

MAIL = Of("mail")
_LATE_SECONDS = 300.0
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_WAITING = (
    "select coalesce(extract(epoch from now() - min(due_at)), 0)::float as late_s,"
    " count(*) filter (where due_at is null) as given_up, max(error) filter (where due_at is null) as error"
    " from identity.mails"
)


async def examine(instance: Instance) -> list[Finding]:
    """Use the way that mails leave by, and look for those that have not left."""
    return [await _way(instance), *await _waiting(instance)]


async def _way(instance: Instance) -> Finding:
    folder = mail_outbox(instance)
    if folder is None:
        return await asyncio.to_thread(_greet, instance)
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return MAIL.fail(f"{folder} takes no files", f"{make(instance, 'down up')} makes it anew")
    letters = len(list(folder.glob("*.eml")))
    return MAIL.ok(f"no server is set: {letters} mails lie in {folder}, and nobody gets them")


def _greet(instance: Instance) -> Finding:
    """As identity does, up to signing in."""
    setting = instance.environment.get
    host, port, tls = setting("SMTP_HOST", ""), int(setting("SMTP_PORT") or 587), setting("SMTP_TLS") or "starttls"
    context = ssl.create_default_context()
    try:
        made = (
            smtplib.SMTP_SSL(host, port, timeout=10, context=context)
            if tls == "tls"
            else smtplib.SMTP(host, port, timeout=10)
        )
        with made as connection:
            if tls == "starttls":
                connection.starttls(context=context)
            if user := setting("SMTP_USER"):
                connection.login(user, setting("SMTP_PASSWORD") or "")
            connection.noop()
    except (smtplib.SMTPException, OSError) as error:
        told = f"{host}:{port} takes no mail from us: {type(error).__name__}"
        return MAIL.fail(told, "look at SMTP_HOST, SMTP_PORT, SMTP_TLS, SMTP_USER and SMTP_PASSWORD")
    return MAIL.ok(f"{host}:{port} takes mail from us")


async def _waiting(instance: Instance) -> list[Finding]:
    try:
        administrator = await asyncpg.connect(instance.postgres_superuser_dsn, timeout=5, command_timeout=10)
    except _LOST as error:
        return [MAIL.fail(f"its queue cannot be looked at: {said(error)}", make(instance, "logs SERVICE=postgres"))]
    try:
        if await administrator.fetchval("select to_regclass('identity.mails')") is None:
            return []  # told already: no tables
        row = await administrator.fetchrow(_WAITING)
    except _LOST as error:
        return [MAIL.fail(f"its queue was lost while it was looked at: {said(error)}", make(instance, "status"))]
    finally:
        await administrator.close(timeout=5)
    found = []
    if row["late_s"] > _LATE_SECONDS:
        told = f"one has been due for {row['late_s']:.0f} s"
        found.append(MAIL.fail(told, f"{make(instance, 'logs SERVICE=identity')}: does its work role run?"))
    if row["given_up"]:
        told = f"{row['given_up']} were given up ({row['error']})"
        repair = "repair the cause; whoever waits for one asks again, or `update identity.mails set due_at = now(), attempts = 0`"
        found.append(MAIL.warn(told, repair))
    return found
