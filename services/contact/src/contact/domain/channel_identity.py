"""The handle by which a channel knows a person. One person may have several; two persons never share one."""

from typing import NamedTuple

from contact.domain.phone_number import phone_key, phone_of_address


class Identity(NamedTuple):
    """A kind (`wa_pn`, `wa_lid`, `wa_bsuid`, `phone`, `email`, `username`, `external`) and the value exactly as reported."""

    kind: str
    value: str

    @property
    def phone(self) -> str | None:
        """Return the E.164 number that this identity is, if it is one."""
        if self.kind == "wa_pn":
            return phone_of_address(self.value)
        return self.value if self.kind == "phone" else None

    @property
    def match_key(self) -> str:
        """Return what the identity is matched by: the phone key of phones, otherwise the value itself."""
        phone = self.phone
        if phone is not None:
            return phone_key(phone)
        return self.value.lower() if self.kind == "email" else self.value
