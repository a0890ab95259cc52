"""Mails by SMTP, to a server that speaks it: encrypted unless told otherwise, and never to whoever cannot show who they are."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from identity.adapters.smtp_post import SmtpPost, SmtpServer
from identity.application.send_mails import MailError
from identity.domain.letters import Letter

LETTER = Letter("0195f0a2-6f5c-7d0e-9a51-0d6f0c6b8f10", "ana@example.com", "Olá, Ana", "uma palavra:\nchá\n.\nfim\n")
SENDER = "Ventros CRM <crm@example.com>"


@dataclass
class MailServer:
    """As much of RFC 5321 as a client needs, over one port."""

    port: int = 0
    offers_tls: bool = True
    refuses: str = ""
    context: ssl.SSLContext | None = None
    heard: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client."""
        encrypted = False
        try:
            writer.write(b"220 mail\r\n")
            while line := (await reader.readline()).decode().strip():
                word = line.split()[0].upper()
                self.heard.append(f"{'tls ' if encrypted else ''}{word}")
                if self.refuses == word:
                    writer.write(b"550 no\r\n")
                elif word == "EHLO":
                    offers = (
                        ["mail"]
                        + (["STARTTLS"] if self.offers_tls and not encrypted else [])
                        + ["AUTH PLAIN", "8BITMIME"]
                    )
                    writer.write("".join(f"250-{each}\r\n" for each in offers).encode() + b"250 OK\r\n")
                elif word == "STARTTLS":
                    writer.write(b"220 go\r\n")
                    await writer.start_tls(self.context)
                    encrypted = True
                elif word == "DATA":
                    writer.write(b"354 go\r\n")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    lines = body[:-5].split(b"\r\n")
                    plain = b"\r\n".join(each[1:] if each.startswith(b".") else each for each in lines)
                    self.mails.append(message_from_bytes(plain + b"\r\n", policy=default))
                    writer.write(b"250 taken\r\n")
                elif word == "AUTH":
                    writer.write(b"235 welcome\r\n")
                else:
                    writer.write(b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n")
                await writer.drain()
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def mail_server(server: MailServer) -> AsyncIterator[MailServer]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signed itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


@pytest.fixture
def server(certificate: Path) -> MailServer:
    """A server that can encrypt."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return MailServer(context=context)


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def at(server: MailServer, **more: str) -> SmtpServer:
    return SmtpServer("localhost", server.port, SENDER, user="crm", password="the password", **more)


async def test_a_mail_is_handed_over_encrypted_and_signed_in(server: MailServer, certificate: Path) -> None:
    async with mail_server(server):
        await SmtpPost(at(server), trusting(certificate)).send(LETTER)
    (mail,) = server.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "ana@example.com", "Olá, Ana")
    assert mail["Message-ID"] == f"<{LETTER.id}@example.com>"
    assert mail.get_content().replace("\r\n", "\n") == LETTER.text
    assert server.heard == [
        *("EHLO", "STARTTLS", "tls EHLO", "tls AUTH", "tls MAIL", "tls RCPT", "tls DATA", "tls QUIT")
    ]


async def test_whoever_cannot_show_who_they_are_gets_neither_mail_nor_password(server: MailServer) -> None:
    async with mail_server(server):
        with pytest.raises(MailError, match="SSLCertVerificationError"):
            await SmtpPost(at(server)).send(LETTER)
    assert server.mails == []
    assert not {"AUTH", "tls AUTH", "MAIL"} & set(server.heard)


async def test_a_server_that_does_not_encrypt_gets_nothing_unless_told_so(server: MailServer) -> None:
    server.offers_tls = False
    async with mail_server(server):
        with pytest.raises(MailError, match="SMTPNotSupportedError"):
            await SmtpPost(at(server)).send(LETTER)
        assert server.heard == ["EHLO", "QUIT"]
        await SmtpPost(SmtpServer("localhost", server.port, SENDER, tls="none")).send(LETTER)
    assert len(server.mails) == 1


@pytest.mark.parametrize(("word", "told"), [("AUTH", "550"), ("RCPT", "SMTPRecipientsRefused"), ("DATA", "550")])
async def test_a_refusal_is_told_without_saying_whom_it_concerns(
    server: MailServer, certificate: Path, word: str, told: str
) -> None:
    server.refuses = word
    async with mail_server(server):
        with pytest.raises(MailError, match=told) as refused:
            await SmtpPost(at(server), trusting(certificate)).send(LETTER)
    assert "ana@" not in str(refused.value) and "password" not in str(refused.value)
    assert server.mails == []


async def test_nobody_there_is_a_failure_and_not_a_wait() -> None:
    with pytest.raises(MailError, match="ConnectionRefusedError"):
        await SmtpPost(SmtpServer("127.0.0.1", 9, SENDER, tls="none")).send(LETTER)
