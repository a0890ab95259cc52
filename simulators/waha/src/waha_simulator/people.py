"""Who is on WhatsApp: phones, lids, the links between them, and whose phone is switched off."""

import re
from dataclasses import replace

from waha_simulator.payloads import Person

BRAZILIAN_MOBILE = re.compile(r"^55(\d{2})9?([6-9]\d{7})$")


class People:
    """Everybody whom the simulator knows. A person who is met again with a second identity is linked."""

    def __init__(self) -> None:
        self._by_phone: dict[str, Person] = {}
        self._by_lid: dict[str, Person] = {}
        self._absent: set[str] = set()
        self._silent: set[Person] = set()

    def meet(self, person: Person) -> Person:
        """Remember a person and return what is known of them: phone and lid linked, the newest name."""
        known = self._by_phone.get(person.phone or "") or self._by_lid.get(person.lid or "")
        if known is not None:
            person = replace(
                person,
                phone=person.phone or known.phone,
                lid=person.lid or known.lid,
                name=person.name or known.name,
                device=person.device or known.device,
            )
            if known in self._silent:
                self._silent.discard(known)
                self._silent.add(person)
        if person.phone:
            self._by_phone[person.phone] = person
        if person.lid:
            self._by_lid[person.lid] = person
        return person

    def of_chat(self, chat: str) -> Person:
        """The person of a direct chat id; somebody unknown is met now."""
        user, server = chat.split("@")
        return self.meet(Person(lid=user) if server == "lid" else Person(phone=user))

    def by_lid(self, lid: str) -> Person | None:
        return self._by_lid.get(lid)

    def by_phone(self, phone: str) -> Person | None:
        """The person of a phone, also asked with or without Brazil's ninth digit."""
        return next((self._by_phone[form] for form in _forms(phone) if form in self._by_phone), None)

    def registered(self, phone: str) -> str | None:
        """The digits under which this phone is on WhatsApp; None: it is not. Unknown phones are, as asked."""
        if any(form in self._absent for form in _forms(phone)):
            return None
        known = self.by_phone(phone)
        return known.phone if known and known.phone else phone

    def leave(self, phone: str, *, absent: bool = True) -> None:
        """Take a phone off WhatsApp, or put it back."""
        if absent:
            self._absent.add(phone)
        else:
            self._absent.discard(phone)

    def silence(self, person: Person, *, silent: bool = True) -> Person:
        """Switch a person's phone off (messages to it get one tick) or on again."""
        person = self.meet(person)
        if silent:
            self._silent.add(person)
        else:
            self._silent.discard(person)
        return person

    def is_silent(self, person: Person) -> bool:
        return person in self._silent

    def known_lids(self) -> list[Person]:
        return list(self._by_lid.values())


def _forms(phone: str) -> list[str]:
    """The phone as asked, then with and without the ninth digit."""
    match = BRAZILIAN_MOBILE.match(phone)
    if not match:
        return [phone]
    area, local = match.groups()
    return list(dict.fromkeys([phone, f"55{area}9{local}", f"55{area}{local}"]))
