"""Mails of the running product: they lie in its outbox, readable."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from local_stack.instances import Instance
from local_stack.process_table import mail_outbox

TOKEN = re.compile(r"#token=([\w-]+)")


def letters(instance: Instance) -> list[EmailMessage]:
    """Return every mail that lies there."""
    outbox = mail_outbox(instance)
    assert outbox is not None
    return [message_from_bytes(file.read_bytes(), policy=default) for file in outbox.glob("*.eml")]


async def letter_to(instance: Instance, address: str) -> EmailMessage | None:
    """Return the mail to an address, once it lies there."""
    return next((each for each in letters(instance) if each["To"] == address), None)
