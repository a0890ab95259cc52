"""Mails into a folder, one file each, for whoever develops or tests: nobody else ever gets them."""

import asyncio
import os
from pathlib import Path

from identity.adapters.smtp_post import message_of
from identity.application.send_mails import MailError
from identity.domain.letters import Letter

SENDER = "Ventros CRM <crm@localhost>"


class PostInFolder:
    """Puts mails into a folder that only its owner reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, letter: Letter) -> None:
        """Write the file, named by the mail's id; raise MailError where it cannot be written."""
        try:
            await asyncio.to_thread(self._write, letter)
        except OSError as error:
            raise MailError(type(error).__name__) from error

    def _write(self, letter: Letter) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f".{letter.id}"
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "wb") as output:
            output.write(message_of(letter, SENDER).as_bytes())
        unfinished.replace(self._folder / f"{letter.id}.eml")
