"""The parts of a message from which its kind is read."""

from typing import NamedTuple

from channel_gateway.adapters.waha.reading import Node, text

_WORDS = ("text", "caption", "title", "name", "contenttext", "description")


class Parts(NamedTuple):
    """What a reader reads: folded payload and `_data`, the folded value of the kind's key (of `_data` itself on browser
    engines), the payload's body, the value itself where it is plain text, and whether it lay in a view-once wrapper."""

    payload: Node
    data: Node
    node: Node
    body: str | None
    plain: str | None
    view_once: bool

    def words(self) -> str | None:
        """Return the words that belong to it, whatever it is."""
        return self.body or next((found for name in _WORDS if (found := text(self.node.get(name)))), None)
