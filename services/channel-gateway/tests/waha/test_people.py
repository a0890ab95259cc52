"""Who wrote, whose chat it is, and how they are known: on every engine, never a wrong person."""

from typing import Any

import pytest
from channel_gateway.domain.inbound import Ignored, Untranslatable


def test_gows_links_the_phone_with_the_lid_of_the_sender(waha: Any) -> None:
    message = waha.message(waha.gows())
    assert message.identities == (waha.rosa_pn_identity, waha.rosa_lid_identity)
    assert (message.external_chat_id, message.chat_type, message.from_me) == (waha.rosa, "individual", False)
    assert (message.push_name, message.source, message.is_business) == ("Rosa", None, False)


def test_an_own_message_on_gows_belongs_to_the_customer_and_never_to_our_own_number(waha: Any) -> None:
    message = waha.message(waha.gows(own=True))
    assert message.identities == (waha.rosa_pn_identity, waha.rosa_lid_identity)
    assert (message.from_me, message.push_name, message.source, message.ack_level) == (True, None, "phone", 1)


def test_an_own_message_without_me_still_does_not_take_the_alternative_of_the_sender(waha: Any) -> None:
    body = waha.gows(own=True, info={"SenderAlt": waha.shop_lid, "RecipientAlt": ""}) | {"me": None}
    assert waha.message(body).identities == (waha.rosa_pn_identity,)


def test_an_own_message_that_waha_filed_under_our_own_number_goes_to_the_chat_that_the_engine_names(waha: Any) -> None:
    message = waha.message(waha.gows(own=True, id=f"true_{waha.shop}_{waha.bare}"))
    assert message.external_chat_id == waha.rosa


def test_it_is_recognised_as_misfiled_even_while_the_session_does_not_know_its_own_number(waha: Any) -> None:
    body = waha.gows(own=True, id=f"true_{waha.shop}_{waha.bare}") | {"me": None}
    assert waha.message(body).external_chat_id == waha.rosa
    bare = waha.gows(own=True, id=waha.bare, **{"from": waha.shop})
    assert waha.message(bare).external_chat_id == waha.rosa


def test_a_chat_with_ourselves_makes_no_contact(waha: Any) -> None:
    body = waha.webjs(own=True, id=f"true_{waha.shop}_{waha.bare}", to=waha.shop)
    assert waha.hear(body) == Ignored("chat_with_oneself")


@pytest.mark.parametrize("name", ["remoteJidAlt", "senderPn"])
def test_noweb_tells_the_phone_of_a_lid_in_either_place(waha: Any, name: str) -> None:
    body = waha.noweb(key={"remoteJidAlt": None, name: "5548922220000@s.whatsapp.net"})
    assert waha.message(body).identities == (waha.rosa_lid_identity, waha.rosa_pn_identity)


def test_the_senders_phone_of_an_own_noweb_message_is_not_the_customers(waha: Any) -> None:
    body = waha.noweb(own=True, key={"remoteJidAlt": None, "senderPn": "5548944440000@s.whatsapp.net"})
    assert waha.message(body | {"me": None}).identities == (waha.rosa_lid_identity,)


def test_a_lid_alone_is_enough_and_never_becomes_a_phone(waha: Any) -> None:
    body = waha.webjs(id=f"false_{waha.rosa_lid}_{waha.bare}", **{"from": waha.rosa_lid})
    assert waha.message(body).identities == (waha.rosa_lid_identity,)


def test_the_number_of_a_lid_with_the_phone_suffix_glued_on_is_no_phone(waha: Any) -> None:
    body = waha.noweb(key={"remoteJidAlt": waha.rosa_lid.replace("@lid", "@c.us")})
    assert waha.message(body).identities == (waha.rosa_lid_identity,)


def test_evidence_that_speaks_of_somebody_else_is_not_believed(waha: Any) -> None:
    body = waha.gows(info={"Sender": waha.caio, "SenderAlt": waha.caio_lid})
    assert waha.message(body).identities == (waha.rosa_pn_identity,)


def test_evidence_of_the_other_direction_is_not_believed(waha: Any) -> None:
    assert waha.message(waha.gows(info={"IsFromMe": True})).identities == (waha.rosa_pn_identity,)


def test_our_own_number_is_never_linked_with_the_customer(waha: Any) -> None:
    assert waha.message(waha.gows(info={"SenderAlt": waha.shop_lid})).identities == (waha.rosa_pn_identity,)
    assert waha.message(waha.noweb(key={"remoteJidAlt": waha.shop})).identities == (waha.rosa_lid_identity,)


def test_the_members_identities_are_those_of_the_writer_in_a_group(waha: Any) -> None:
    message = waha.message(waha.gows_group())
    assert message.identities == (waha.caio_lid_identity, waha.caio_pn_identity)
    assert (message.external_chat_id, message.chat_type, message.push_name) == (waha.group, "group", "Caio")


def test_an_own_group_message_names_nobody(waha: Any) -> None:
    message = waha.message(waha.gows_group(own=True))
    assert (message.identities, message.push_name) == ((), None)


def test_the_writer_in_a_group_is_read_from_the_id_where_the_payload_is_silent(waha: Any) -> None:
    body = waha.webjs(id=f"false_{waha.group}_{waha.bare}_{waha.caio}", **{"from": waha.group})
    assert waha.message(body).identities == (waha.caio_pn_identity,)


def test_gows_names_the_writer_in_a_group_also_as_the_recipient(waha: Any) -> None:
    told = {"id": f"false_{waha.group}_{waha.bare}", "participant": None, "_data": {}}
    assert waha.message(waha.gows_group(**told)).identities == (waha.caio_lid_identity,)


@pytest.mark.parametrize(("member", "reason"), [("13135550002@bot", "assistant"), ("0@c.us", "system_number")])
def test_an_assistant_in_a_group_is_nobody(waha: Any, member: str, reason: str) -> None:
    body = waha.webjs(id=f"false_{waha.group}_{waha.bare}", participant=member, **{"from": waha.group})
    assert waha.hear(body) == Ignored(reason)


def test_a_group_message_of_an_unknown_writer_is_parked(waha: Any) -> None:
    body = waha.webjs(id=f"false_{waha.group}_{waha.bare}", **{"from": waha.group})
    assert waha.hear(body) == Untranslatable("writer_unknown")


def test_groups_are_ignored_where_the_channel_does_not_allow_them(waha: Any) -> None:
    assert waha.hear(waha.gows_group(), allow_groups=False) == Ignored("groups_not_allowed")


def test_a_business_is_named_by_its_verified_name_when_it_has_no_other(waha: Any) -> None:
    verified = {"Certificate": {}, "Details": {"verifiedName": "Rosa Ltda", "issuer": "smb:wa"}}
    message = waha.message(waha.gows(info={"PushName": "", "VerifiedName": verified}))
    assert (message.push_name, message.is_business) == ("Rosa Ltda", True)


def test_wpp_names_the_sender_in_an_object_of_its_own(waha: Any) -> None:
    sender = {"id": waha.rosa, "pushname": "Rosa", "verifiedName": "Rosa Ltda"}
    message = waha.message(waha.webjs({"notifyName": None, "id": f"false_{waha.rosa}_A", "sender": sender}))
    assert (message.push_name, message.is_business) == ("Rosa", True)


def test_a_name_that_stands_beside_our_own_message_names_nobody(waha: Any) -> None:
    assert waha.message(waha.gows(info={"IsFromMe": True, "PushName": "The Shop"})).push_name is None


@pytest.mark.parametrize(
    ("chat", "reason"),
    [
        ("status@broadcast", "story"),
        ("1700000000@broadcast", "broadcast_list"),
        ("120363000000000077@newsletter", "newsletter"),
        ("0@c.us", "system_number"),
        ("0@s.whatsapp.net", "system_number"),
        ("13135550002@bot", "assistant"),
        ("867051314767696@meta.ai", "assistant"),
    ],
)
def test_what_is_none_of_ours_is_ignored_with_its_reason(waha: Any, chat: str, reason: str) -> None:
    assert waha.hear(waha.gows(id=f"false_{chat}_{waha.bare}", **{"from": chat})) == Ignored(reason)
    assert waha.hear(waha.ack(id=f"true_{chat}_{waha.bare}")) == Ignored(reason)


@pytest.mark.parametrize(
    "form",
    [
        "false_5548922220000@c.us_{bare}",
        "false_5548922220000@s.whatsapp.net_{bare}",
        "false_5548922220000:17@c.us_{bare}",
        "false_5548922220000:99@hosted_{bare}",
        "5548922220000@c.us_{bare}",
        "false_{bare}",
        "{bare}",
    ],
)
def test_every_form_of_an_id_means_the_same_message_of_the_same_person(waha: Any, form: str) -> None:
    message = waha.message(waha.gows(id=form.format(bare=waha.bare)))
    assert message.provider_message_id == waha.bare
    assert message.external_chat_id == waha.rosa
    assert message.identities == (waha.rosa_pn_identity, waha.rosa_lid_identity)
    assert message.dedupe_key == f"message:{waha.bare}"


def test_where_nothing_else_says_whose_message_it_is_the_end_that_is_ours_does(waha: Any) -> None:
    silent = {"id": waha.bare, "fromMe": None, "_data": {}}
    assert waha.message(waha.webjs(own=True, **silent)).from_me
    assert not waha.message(waha.webjs(**silent)).from_me
    assert waha.hear(waha.webjs(**silent) | {"me": None}) == Untranslatable("direction_unknown")


def test_the_same_message_under_the_lid_has_the_same_key_and_the_same_identities(waha: Any) -> None:
    under_phone = waha.message(waha.gows())
    under_lid = waha.message(waha.gows(id=f"false_{waha.rosa_lid}_{waha.bare}", **{"from": waha.rosa_lid}))
    assert under_lid.dedupe_key == under_phone.dedupe_key
    assert set(under_lid.identities) == set(under_phone.identities)


def test_beside_a_bare_id_the_chat_is_where_the_engine_writes_it(waha: Any) -> None:
    assert waha.message(waha.webjs(own=True, id=waha.bare)).external_chat_id == waha.rosa
    assert waha.message(waha.webjs(id=waha.bare)).external_chat_id == waha.rosa
    assert waha.message(waha.gows(id=waha.bare, **{"from": None})).external_chat_id == waha.rosa
    nameless = waha.webjs(own=True, id=waha.bare) | {"engine": None, "environment": None}
    assert waha.message(nameless, engine="WEBJS").external_chat_id == waha.rosa
    nobody_knows = nameless | {"me": None}
    assert waha.hear(nobody_knows) == Untranslatable("chat_unknown")
