"""Parts of a payload that the engines write alike."""

from waha_simulator.payloads.happenings import Json, Message, Person, Place, Quote, group_identity


def author_id(message: Message, me: Person) -> str | None:
    """Who wrote, in a group; null in a direct chat."""
    if not message.is_group:
        return None
    return group_identity(message.author if message.author and not message.from_me else me)


def writer(message: Message, me: Person) -> Person:
    """Whose push name the message carries: our own on our own messages."""
    return me if message.from_me else message.author or message.peer or me


def location(place: Place | None, description: str | None = None) -> Json | None:
    if place is None:
        return None
    return {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "live": False,
        "name": place.name,
        "address": place.address,
        "url": None,
        "description": description,
        "thumbnail": None,
    }


def reply_to(quote: Quote | None, quoted: Json, identifier: str | None = None) -> Json | None:
    """`hasMedia` and `media` exist since 2026.4.1. The id is bare unless an engine gives another."""
    if quote is None:
        return None
    return {
        "id": identifier or quote.bare_id,
        "participant": quote.author,
        "body": quote.text,
        "hasMedia": False,
        "media": None,
        "_data": quoted,
    }


def named(**values: str | None) -> Json:
    """Only the keys that have a value."""
    return {key: value for key, value in values.items() if value}
