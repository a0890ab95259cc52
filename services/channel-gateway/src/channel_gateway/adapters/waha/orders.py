"""Orders and PIX payments: we have no content type for them, so that people get one line of words. Facts: guide 6.3."""

import json
from decimal import Decimal
from typing import Any

from channel_gateway.adapters.waha.reading import Node, fold, line, objects, text, whole

_MOST_ITEMS = 20
_PAYMENTS = frozenset({"payment_info", "payment_key_info", "review_and_pay", "review_order", "order_details"})


def native_flow_buttons(node: Node) -> list[Node]:
    """Return the buttons of an interactive message; GOWS has one level more than NOWEB."""
    flow = fold(node.get("nativeflowmessage")) or fold(fold(node.get("interactivemessage")).get("nativeflowmessage"))
    return objects(flow.get("buttons"))


def order_in_words(buttons: list[Node]) -> str | None:
    """Return the order that a native-flow button carries as JSON in a string, or None when none does."""
    for button in buttons:
        details = parameters(button.get("buttonparamsjson"))
        order = fold(details.get("order"))
        total = _amount(details.get("total_amount"))
        name = line(button.get("name"))
        if order or total or name in _PAYMENTS:
            said = [_item(item) for item in objects(order.get("items"))[:_MOST_ITEMS]] or _keys(details)
            return _words(name, total, details.get("currency"), details.get("reference_id"), said)
    return None


def _keys(details: Node) -> list[str]:
    """Return where to pay to, where no order says what for: PIX keys with their owners."""
    codes = [fold(setting.get("pix_static_code")) for setting in objects(details.get("payment_settings"))]
    words = (" ".join(filter(None, (line(code.get("merchant_name")), line(code.get("key"))))) for code in codes)
    return [found for found in words if found]


def catalogue_order_in_words(node: Node) -> str:
    """Return an `orderMessage` (an order from a catalogue) in words."""
    thousandths = whole(node.get("totalamount1000"))
    total = f"{Decimal(thousandths) / 1000:.2f}" if thousandths is not None else None
    count = whole(node.get("itemcount"))
    items = [f"{count} items"] if count else []
    note = line(node.get("message"))
    title = line(node.get("ordertitle")) or "order"
    return _words(title, total, node.get("totalcurrencycode"), node.get("orderid"), items + ([note] if note else []))


def parameters(written: Any) -> Node:
    """Return an object that is written as JSON in a string; {} when it is none."""
    raw = text(written)
    try:
        return fold(json.loads(raw)) if raw else {}
    except (ValueError, RecursionError):
        return {}


def _words(name: str | None, total: str | None, currency: Any, reference: Any, items: list[str]) -> str:
    price = " ".join(filter(None, (total, line(currency, 10))))
    mark = line(reference, 100)
    head = " ".join(filter(None, (name, price, f"({mark})" if mark else None)))
    return ": ".join(filter(None, (head, ", ".join(items))))


def _item(item: Node) -> str:
    price, count = _amount(item.get("amount")), whole(item.get("quantity"))
    name = line(item.get("name")) or "?"
    return " ".join(filter(None, (f"{count} ×" if count is not None else None, name, price)))


def _amount(value: Any) -> str | None:
    """Return `value / offset`, as WhatsApp writes money, with two decimals."""
    money = fold(value)
    cents, offset = whole(money.get("value")), whole(money.get("offset"))
    return f"{Decimal(cents) / offset:.2f}" if cents is not None and offset else None
