"""Answers to lists and buttons: text with what was chosen. Facts: guide 6.3."""

from typing import Any

from channel_gateway.adapters.waha.orders import parameters
from channel_gateway.adapters.waha.parts import Parts
from channel_gateway.adapters.waha.reading import fold, line
from channel_gateway.domain.content import Content, InteractiveReply, Text

_FLOW_KINDS = {"single_select": "list", "menu_options": "list", "flow": "flow", "galaxy_message": "flow"}


def read_list_reply(parts: Parts) -> Content | None:
    answer = fold(parts.node.get("listresponse")) or parts.node
    chosen = line(fold(answer.get("singleselectreply")).get("selectedrowid"))
    return _reply("list", chosen, answer.get("title"), parts)


def read_button_reply(parts: Parts) -> Content | None:
    inner = fold(parts.node.get("response"))  # GOWS writes a protobuf oneof as one level more
    shown = parts.node.get("selecteddisplaytext") or inner.get("selecteddisplaytext")
    return _reply("button", line(parts.node.get("selectedbuttonid")), shown, parts)


def read_template_reply(parts: Parts) -> Content | None:
    return _reply("template", line(parts.node.get("selectedid")), parts.node.get("selecteddisplaytext"), parts)


def read_flow_reply(parts: Parts) -> Content | None:
    inner = fold(parts.node.get("interactiveresponsemessage"))
    flow = fold(parts.node.get("nativeflowresponsemessage")) or fold(inner.get("nativeflowresponsemessage"))
    answer = parameters(flow.get("paramsjson"))
    kind = _FLOW_KINDS.get(line(flow.get("name")) or "", "button")
    shown = fold(parts.node.get("body")).get("text") or answer.get("title") or answer.get("display_text")
    return _reply(kind, line(answer.get("id")), shown, parts)


def _reply(kind: str, chosen: str | None, shown: Any, parts: Parts) -> Content | None:
    title = line(shown)
    words = parts.body or title or chosen
    return Text(words, InteractiveReply(kind, chosen, title or line(parts.body))) if words else None
