"""Where a message goes, in an event."""

from contracts.fields import PersonalText, Wire


class Recipient(Wire, kw_only=True):
    """The chat id exactly as the provider reported it, or a bare phone for a first contact."""

    external_chat_id: PersonalText | None = None
    phone: PersonalText | None = None
