"""What mails say, in the languages that we write: Portuguese, and English for everybody else."""

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

RESET_WITHIN = timedelta(minutes=30)
MOST_RESETS_AN_HOUR = 3
"""More mails to one person are not sent: whoever types an address in could flood it."""

MOST_NAME_CHARACTERS = 80
"""Of a name that strangers read in a mail: it is no place for a message of somebody's own."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready to leave. What it says may hold a token, so its representation does not show it."""

    id: str
    to: str
    subject: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Links:
    """Where the pages are that mails lead to. Tokens stand behind `#`, which browsers keep to themselves."""

    home: str

    def reset(self, token: str) -> str:
        """Return where a new password is chosen."""
        return f"{self.home}/reset-password#token={token}"

    def invitation(self, token: str) -> str:
        """Return where an invitation is accepted."""
        return f"{self.home}/accept-invitation#token={token}"

    @property
    def host(self) -> str:
        """Return the name that people know us by."""
        return urlsplit(self.home).hostname or self.home


def reset_letter(mail_id: str, name: str, address: str, language: str, link: str, links: Links) -> Letter:
    """Return the mail that lets somebody choose a new password."""
    minutes = int(RESET_WITHIN.total_seconds() // 60)
    if _is_portuguese(language):
        return Letter(
            mail_id,
            address,
            "Escolha uma nova senha",
            f"Olá {name},\n\nalguém pediu uma nova senha para a sua conta em {links.host}. Se foi você, escolha-a aqui "
            f"nos próximos {minutes} minutos:\n\n{link}\n\nSe não foi você, ignore esta mensagem: nada mudou.\n",
        )
    return Letter(
        mail_id,
        address,
        "Choose a new password",
        f"Hello {name},\n\nsomebody asked for a new password for your account at {links.host}. If that was you, choose it "
        f"here within {minutes} minutes:\n\n{link}\n\nIf it was not you, ignore this mail: nothing has changed.\n",
    )


def guessing_letter(mail_id: str, name: str, address: str, language: str, links: Links) -> Letter:
    """Return the mail that warns somebody whose password is being guessed."""
    if _is_portuguese(language):
        return Letter(
            mail_id,
            address,
            "Muitas tentativas de entrar na sua conta",
            f"Olá {name},\n\nhouve muitas tentativas de entrar na sua conta em {links.host} com uma senha errada. Ninguém "
            "entrou por isso. Se você usa essa senha em outro lugar, troque-a.\n",
        )
    return Letter(
        mail_id,
        address,
        "Many attempts to sign in to your account",
        f"Hello {name},\n\nthere were many attempts to sign in to your account at {links.host} with a wrong password. "
        "Nobody got in by them. If you use that password elsewhere, change it.\n",
    )


def invitation_letter(
    mail_id: str, address: str, language: str, inviter: str, company: str, link: str, links: Links
) -> Letter:
    """Return the mail that invites somebody to work for a company."""
    inviter, company = _on_one_line(inviter), _on_one_line(company)
    if _is_portuguese(language):
        return Letter(
            mail_id,
            address,
            f"Convite para {links.host}",
            f"Olá,\n\n{inviter} convidou você para trabalhar com {company} em {links.host}. Aceite o convite aqui nos "
            f"próximos 7 dias:\n\n{link}\n\nSe você não conhece {company}, ignore esta mensagem.\n",
        )
    return Letter(
        mail_id,
        address,
        f"Invitation to {links.host}",
        f"Hello,\n\n{inviter} invites you to work with {company} at {links.host}. Accept the invitation here within 7 days:"
        f"\n\n{link}\n\nIf you do not know {company}, ignore this mail.\n",
    )


def _on_one_line(name: str) -> str:
    return "".join(each for each in " ".join(name.split()) if each.isprintable())[:MOST_NAME_CHARACTERS]


def _is_portuguese(language: str) -> bool:
    return language.partition("-")[0] == "pt"
