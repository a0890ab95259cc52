"""Contact cards. `waid=` in a TEL line of a vCard is the WhatsApp number; cards without it exist."""

import re
from typing import Any

from channel_gateway.adapters.waha.reading import Node, line, objects, text
from channel_gateway.domain.content import ContactCard

_FOLDED_LINE = re.compile(r"\r?\n[ \t]")
_PROPERTY = re.compile(r"^(?:[\w-]+\.)?(FN|N|ORG|TEL)((?:;[^:\r\n]*)?):([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_WHATSAPP_NUMBER = re.compile(r"waid=\+?(\d{5,15})", re.IGNORECASE | re.ASCII)


def read_card(vcard: Any, shown_name: Any = None) -> ContactCard | None:
    """Return the card, or None when there is neither a vCard nor a name."""
    written = text(vcard)
    said = _first_of_each(written) if written else {}
    printed = line(said.get("TEL", ("", ""))[1])
    whatsapp = _WHATSAPP_NUMBER.search(said.get("TEL", ("", ""))[0])
    name = line(_value(said, "FN")) or line(shown_name) or line(_value(said, "N").replace(";", " ")) or printed
    if written is None and name is None:
        return None
    return ContactCard(
        full_name=name or "",
        phone=f"+{whatsapp.group(1)}" if whatsapp else None,
        printed_phone=printed,
        organization=line(_value(said, "ORG").strip(";").replace(";", ", ")),
        vcard=written,
    )


def cards_of(payload_cards: Any, node: Node) -> tuple[ContactCard, ...]:
    """Return the cards of a message: from the payload's raw list, else from the engine's own data."""
    found = [read_card(item) for item in payload_cards] if isinstance(payload_cards, list) else []
    if not any(found) and node:
        inner = node.get("contacts") or node.get("vcardlist")
        cards = objects(inner) if isinstance(inner, list) else [node]
        found = [read_card(card.get("vcard") or card.get("body"), card.get("displayname")) for card in cards]
    return tuple(card for card in found if card is not None)


def _first_of_each(vcard: str) -> dict[str, tuple[str, str]]:
    """Return parameters and value of the first line of each property; of TEL the first that names a WhatsApp number."""
    said: dict[str, tuple[str, str]] = {}
    for name, parameters, value in _PROPERTY.findall(_FOLDED_LINE.sub("", vcard)):
        known = said.setdefault(name.upper(), (parameters, value))
        if not _WHATSAPP_NUMBER.search(known[0]) and _WHATSAPP_NUMBER.search(parameters):
            said[name.upper()] = (parameters, value)
    return said


def _value(said: dict[str, tuple[str, str]], name: str) -> str:
    return said.get(name, ("", ""))[1]
