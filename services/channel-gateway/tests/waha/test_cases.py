"""Every case of the table in the README is understood as the table says."""

from typing import Any

import pytest
from channel_gateway.adapters.waha.translate_inbound import EVENTS, OF_NO_USE
from channel_gateway.domain.content import Text, Unsupported
from channel_gateway.domain.inbound import Acknowledgement, Ignored, Inbound, InboundMessage, Kept, Untranslatable
from channel_gateway.domain.provider_session import STATUS_OF
from waha_cases import Case, cases

CASES = list(cases())


def meaning(heard: Inbound) -> str:
    if isinstance(heard, InboundMessage):
        content = heard.content
        if isinstance(content, Text) and content.interactive_reply:
            return f"a message: text + {content.interactive_reply.kind} reply"
        kind = ": order" if isinstance(content, Unsupported) and content.kind == "order" else ""
        return f"a message: {content.type}{kind}"
    if isinstance(heard, Acknowledgement):
        return "a receipt"
    if isinstance(heard, Ignored | Untranslatable):
        return f"{'ignored' if isinstance(heard, Ignored) else 'parked'}: {heard.reason}"
    return "kept" if isinstance(heard, Kept) else f"the channel: {STATUS_OF.get(heard.status, 'active')}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.event} {case.what} {case.engine}")
def test_a_case_becomes_what_the_table_says(waha: Any, case: Case) -> None:
    assert meaning(waha.hear(case.body)) == case.becomes


@pytest.mark.parametrize("case", [case for case in CASES if case.becomes.startswith("a message")], ids=str)
def test_a_message_is_rosas_or_goes_to_her_or_lies_in_the_group(waha: Any, case: Case) -> None:
    message = waha.message(case.body)
    assert message.provider_message_id == waha.bare
    assert message.occurred_at == waha.sent_at
    assert message.from_me is case.what.startswith("own")
    if "in a group" in case.what:
        writers = set() if message.from_me else {waha.caio_lid_identity, waha.caio_pn_identity}
        told = writers - {waha.caio_pn_identity} if case.engine in ("WEBJS", "WPP") else writers
        assert (message.external_chat_id, set(message.identities)) == (waha.group, told)
    else:
        both = {waha.rosa_pn_identity, waha.rosa_lid_identity}
        known = message.identities if case.body["payload"]["_data"] else ()
        assert message.external_chat_id in (waha.rosa, waha.rosa_lid)
        assert set(message.identities) <= both
        assert not known or case.engine in ("WEBJS", "WPP") or set(known) == both
    assert message.push_name in (None, "Rosa", "Caio")
    assert (message.push_name is None) is (message.from_me or not case.body["payload"]["_data"])


def test_every_event_that_we_know_has_its_cases() -> None:
    assert {case.event for case in CASES} >= {*EVENTS, *OF_NO_USE}
