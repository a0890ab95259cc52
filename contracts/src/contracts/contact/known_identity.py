"""An identity as a contact's snapshot carries it."""

from contracts.fields import PersonalText, Wire


class KnownIdentity(Wire, kw_only=True):
    """One way in which the contact is addressed, on one channel or on none in particular."""

    kind: str
    value: PersonalText
    channel_id: str | None = None
