"""Mails by SMTP: a connection for each, in a thread. Certificates are verified, and nothing is sent in the clear unless told so."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr

from identity.application.send_mails import MailError
from identity.domain.letters import Letter

TIMEOUT_S = 20.0


@dataclass(frozen=True)
class SmtpServer:
    """Where mails are handed over, and as whom. `tls` is starttls, tls or none."""

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: str = "starttls"


class SmtpPost:
    """Hands mails over to one server."""

    def __init__(self, server: SmtpServer, context: ssl.SSLContext | None = None) -> None:
        """`context` says whose certificates are believed; the system's where it is left out."""
        self._server = server
        self._context = context or ssl.create_default_context()

    async def send(self, letter: Letter) -> None:
        """Hand a mail over; raise MailError with what kind of failure it was, and nothing of whom it concerns."""
        message = message_of(letter, self._server.sender)
        try:
            await asyncio.to_thread(self._send, message)
        except smtplib.SMTPResponseException as error:
            raise MailError(f"{type(error).__name__} {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailError(type(error).__name__) from error

    def _send(self, message: EmailMessage) -> None:
        server = self._server
        if server.tls == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_S, context=self._context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        with connection:
            if server.tls == "starttls":
                connection.starttls(context=self._context)
            if server.user is not None and server.password is not None:
                connection.login(server.user, server.password)
            connection.send_message(message)


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """Return a mail in its form on the wire. Its id stays the same however often it is sent."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = f"<{letter.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    return message
