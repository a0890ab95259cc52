"""Every kind of message is recognised on every engine, wrapped or not, in any casing."""

import json
from typing import Any

import pytest
from channel_gateway.domain.content import (
    Audio,
    Buttons,
    ContactCard,
    Contacts,
    Document,
    Image,
    InteractiveReply,
    ListMenu,
    Location,
    Media,
    Poll,
    Sticker,
    System,
    Template,
    Text,
    Unsupported,
    Video,
    Voice,
)
from channel_gateway.domain.inbound import Ignored

FILE = {"url": "http://localhost:3000/api/files/shop/x.bin", "mimetype": "image/jpeg"}


def wrapped(kind: str, message: dict[str, Any]) -> dict[str, Any]:
    return {"messageContextInfo": {"deviceListMetadataVersion": 2}, kind: {"message": message}}


@pytest.mark.parametrize(
    "message",
    [
        {"conversation": "hello"},
        {"extendedTextMessage": {"text": "hello"}},
        {"imageMessage": None, "videoMessage": "", "extendedTextMessage": {"text": "hello"}, "stickerMessage": []},
    ],
)
def test_text(waha: Any, message: dict[str, Any]) -> None:
    assert waha.message(waha.gows(message)).content == Text("hello")
    assert waha.message(waha.noweb(message)).content == Text("hello")
    assert waha.message(waha.noweb(message, body=None)).content == Text("hello")
    assert waha.message(waha.webjs()).content == Text("hello")


@pytest.mark.parametrize(
    ("key", "kind"),
    [("imageMessage", Image), ("videoMessage", Video), ("ptvMessage", Video), ("documentMessage", Document)],
)
def test_files_with_a_caption(waha: Any, key: str, kind: type) -> None:
    media = {"url": None, "mimetype": "image/png"}
    for body in (
        waha.gows({key: {"mimetype": "image/gif", "fileLength": 12}}, hasMedia=True, media=media),
        waha.noweb({key: {"mimetype": "image/gif", "fileLength": "12"}}, hasMedia=True, media=media),
    ):
        assert waha.message(body).content == kind(Media("image/png", size_bytes=12), "hello")


def test_a_photo_sent_as_a_file_is_a_document_with_its_name(waha: Any) -> None:
    inner = {"documentMessage": {"mimetype": "image/jpeg", "fileName": "beach.jpg", "caption": "look"}}
    body = waha.noweb(wrapped("documentWithCaptionMessage", inner), body=None, hasMedia=True, media=FILE)
    content = waha.message(body).content
    assert content == Document(Media("image/jpeg", "beach.jpg", url=FILE["url"]), "look")
    assert content.to_wire("m1") == {
        "type": "document",
        "media": {"media_id": "m1", "mime_type": "image/jpeg", "file_name": "beach.jpg", "state": "pending"},
        "text": "look",
        "file_name": "beach.jpg",
    }


def test_a_document_without_a_file_name_has_its_title(waha: Any) -> None:
    content = waha.message(waha.gows({"documentMessage": {"title": "Menu"}}, hasMedia=True)).content
    assert content.media.file_name == "Menu"


def test_a_file_name_that_is_only_the_message_id_is_no_name(waha: Any) -> None:
    media = FILE | {"mimetype": "application/pdf", "filename": f"{waha.bare}.pdf"}
    assert waha.message(waha.webjs({"type": "document"}, hasMedia=True, media=media)).content.media.file_name is None


@pytest.mark.parametrize(
    ("said", "kind"), [({"PTT": True}, Voice), ({"ptt": True}, Voice), ({}, Audio), ({"ptt": None}, Audio)]
)
def test_a_voice_note_is_one_only_when_it_says_so(waha: Any, said: dict[str, Any], kind: type) -> None:
    sound = {"audioMessage": {"mimetype": "audio/ogg; codecs=opus", "seconds": 7.9} | said}
    content = waha.message(waha.gows(sound, body=None, hasMedia=True)).content
    assert content == kind(Media("audio/ogg; codecs=opus", duration_seconds=7))
    assert content.to_wire("m1")["duration_seconds"] == 7


def test_stickers_also_below_their_wrapper(waha: Any) -> None:
    message = wrapped("lottieStickerMessage", {"stickerMessage": {"mimetype": "application/was", "isLottie": True}})
    assert waha.message(waha.gows(message, body=None)).content == Sticker(Media("application/was"), animated=True)


@pytest.mark.parametrize("wrapper", ["pollCreationMessageV4", "groupStatusMessageV2", "newWrapperMessage"])
def test_an_unknown_wrapper_is_opened_where_it_holds_something_known(waha: Any, wrapper: str) -> None:
    poll = {"pollCreationMessage": {"name": "When?", "options": [{"optionName": "Mon"}]}}
    content = waha.message(waha.gows({wrapper: {"Message": poll}}, body=None)).content
    assert content == Poll("When?", ("Mon",), multiple_answers=True)
    closed = waha.message(waha.gows({"newWrapper": {"message": {"newerMessage": {"x": 1}}}})).content
    assert closed == Unsupported("newWrapper", "hello")


def test_gows_says_everything_twice_and_once_is_enough(waha: Any) -> None:
    body = waha.gows({"imageMessage": {"mimetype": "image/png"}}, hasMedia=True)
    body["payload"]["_data"]["Message"] = None
    assert waha.message(body).content == Image(Media("image/png"), "hello")


@pytest.mark.parametrize("wrapper", ["viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension"])
def test_view_once_counts_without_its_file(waha: Any, wrapper: str) -> None:
    message = wrapped("ephemeralMessage", wrapped(wrapper, {"imageMessage": {"mimetype": "image/jpeg"}}))
    content = waha.message(waha.noweb(message, body=None, hasMedia=True)).content
    assert content == Image(Media("image/jpeg", view_once=True))
    assert not content.media.available


def test_a_file_beside_plain_text_wins_and_the_text_is_its_caption(waha: Any) -> None:
    content = waha.message(waha.noweb({"conversation": "hello"}, hasMedia=True, media=FILE)).content
    assert content == Image(Media("image/jpeg", url=FILE["url"]), "hello")


def test_browser_engines_keep_a_text_beside_its_type(waha: Any) -> None:
    assert waha.message(waha.webjs({"body": "hello"}, body=None)).content == Text("hello")
    assert waha.message(waha.webjs(hasMedia=True, media=FILE)).content == Image(
        Media("image/jpeg", url=FILE["url"]), "hello"
    )
    assert waha.hear(waha.webjs(body="")) == Ignored("nothing_to_show")


@pytest.mark.parametrize("flag", ["isViewOnce", "IsViewOnceV2", "isViewOnceV2Extension"])
def test_view_once_may_be_a_flag(waha: Any, flag: str) -> None:
    assert waha.message(waha.webjs({"type": "image", flag: True}, hasMedia=True)).content.media.view_once


@pytest.mark.parametrize(
    ("mime_type", "kind"),
    [
        ("image/jpeg", Image),
        ("video/mp4", Video),
        ("audio/ogg; codecs=opus", Audio),
        ("image/webp", Sticker),
        ("application/was", Sticker),
        ("text/csv", Document),
    ],
)
def test_where_the_data_tells_nothing_the_mime_type_decides(waha: Any, mime_type: str, kind: type) -> None:
    body = waha.noweb(hasMedia=True, media=FILE | {"mimetype": mime_type}, _data={})
    assert type(waha.message(body).content) is kind


def test_a_failed_download_is_no_error_of_the_message(waha: Any) -> None:
    media = {"mimetype": "video/mp4", "error": {"message": "gone", "details": "", "stack": ""}}
    content = waha.message(waha.webjs({"type": "video", "duration": "31"}, hasMedia=True, media=media)).content
    assert content == Video(Media("video/mp4", duration_seconds=31), "hello")


def test_places_from_the_payload_or_only_from_the_data(waha: Any) -> None:
    said = {"degreesLatitude": -27.59, "degreesLongitude": -48.54, "name": "Mercado", "URL": "https://example.org/m"}
    place = Location(-27.59, -48.54, title="Mercado", url="https://example.org/m")
    assert waha.message(waha.gows({"locationMessage": said}, body=None)).content == place
    payload = {"latitude": "-27.59", "longitude": "-48.54", "live": True}
    body = waha.webjs({"type": "location"}, body="", location=payload)
    assert waha.message(body).content == Location(-27.59, -48.54, live=True)
    assert waha.message(waha.noweb({"liveLocationMessage": said}, body=None)).content.live
    told = {"type": "location", "lat": -27.59, "lng": -48.54, "loc": "Mercado\nCentro", "body": "/9j/4AAQ"}
    expected = Location(-27.59, -48.54, title="Mercado", address="Centro")
    assert waha.message(waha.webjs(told, body="/9j/4AAQ", vCards=None)).content == expected, "wppconnect's shape"


def test_a_place_without_coordinates_is_shown_as_unsupported(waha: Any) -> None:
    body = waha.gows({"locationMessage": {"degreesLatitude": 91, "name": "Nowhere"}}, body=None)
    assert waha.message(body).content == Unsupported("locationMessage", "Nowhere")


def test_contact_cards_with_and_without_a_whatsapp_number(waha: Any) -> None:
    numbers = "item1.TEL;waid=5548955550000:+55 48 95555\r\n -0000"
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Léa Prado\r\nORG:Prado;Sales\r\n{numbers}\r\nEND:VCARD"
    expected = ContactCard("Léa Prado", "+5548955550000", "+55 48 95555-0000", "Prado, Sales", card)
    body = waha.gows({"contactMessage": {"displayName": "Léa", "vcard": card}}, body=None)
    assert waha.message(body).content == Contacts((expected,))
    body = waha.webjs({"type": "vcard", "body": card}, body="")
    assert waha.message(body).content == Contacts((expected,))
    assert waha.message(waha.webjs({"type": "vcard", "body": card}, body=card, vCards=None)).content == Contacts(
        (expected,)
    )
    body = waha.noweb({"contactsArrayMessage": {"contacts": [{"displayName": "Zé"}, {"vcard": card}]}}, body=None)
    assert waha.message(body).content == Contacts((ContactCard("Zé"), expected))


@pytest.mark.parametrize(
    "key", ["pollCreationMessage", "pollCreationMessageV2", "pollCreationMessageV3", "pollCreationMessageV9"]
)
def test_polls_of_every_version(waha: Any, key: str) -> None:
    poll = {"name": "When?", "options": [{"optionName": "Mon"}, {"optionName": "Tue"}], "selectableOptionsCount": 1}
    expected = Poll("When?", ("Mon", "Tue"), multiple_answers=False)
    assert waha.message(waha.gows({key: poll}, body=None)).content == expected
    told = {"type": "poll_creation", "pollName": "When?", "pollOptions": [{"name": "Mon"}, {"name": "Tue"}]}
    assert waha.message(waha.webjs(told, body="")).content == Poll("When?", ("Mon", "Tue"), multiple_answers=True)


REPLIES = [
    ({"listResponseMessage": {"title": "Blue", "singleSelectReply": {"selectedRowID": "b"}}}, "list"),
    ({"listResponseMessage": {"title": "Blue", "singleSelectReply": {"selectedRowId": "b"}}}, "list"),
    ({"buttonsResponseMessage": {"selectedButtonId": "b", "selectedDisplayText": "Blue"}}, "button"),
    ({"buttonsResponseMessage": {"selectedButtonID": "b", "Response": {"SelectedDisplayText": "Blue"}}}, "button"),
    ({"templateButtonReplyMessage": {"selectedID": "b", "selectedDisplayText": "Blue"}}, "template"),
    (
        {
            "interactiveResponseMessage": {
                "body": {"text": "Blue"},
                "nativeFlowResponseMessage": {"paramsJson": '{"id": "b"}'},
            }
        },
        "button",
    ),
    (
        {
            "interactiveResponseMessage": {
                "body": {"text": "Blue"},
                "InteractiveResponseMessage": {"NativeFlowResponseMessage": {"paramsJSON": '{"id": "b"}'}},
            }
        },
        "button",
    ),
]


@pytest.mark.parametrize(("message", "kind"), REPLIES)
def test_answers_to_lists_and_buttons_are_text_with_the_choice(waha: Any, message: dict[str, Any], kind: str) -> None:
    content = waha.message(waha.gows(message, body=None)).content
    assert content == Text("Blue", InteractiveReply(kind, "b", "Blue"))
    assert content.to_wire() == {
        "type": "text",
        "text": "Blue",
        "interactive_reply": {"kind": kind, "selected_id": "b", "title": "Blue"},
    }


@pytest.mark.parametrize("deeper", [False, True])
def test_an_order_is_shown_in_words(waha: Any, deeper: bool) -> None:
    told = {
        "currency": "BRL",
        "total_amount": {"value": 1990, "offset": 100},
        "reference_id": "REF1",
        "order": {"items": [{"name": "Tea", "quantity": 2, "amount": {"value": 995, "offset": 100}}]},
    }
    name = "buttonParamsJSON" if deeper else "buttonParamsJson"
    flow = {"buttons": [{"name": "review_and_pay", name: json.dumps(told)}]}
    message = {"InteractiveMessage": {"NativeFlowMessage": flow}} if deeper else {"nativeFlowMessage": flow}
    content = waha.message(waha.gows({"interactiveMessage": message}, body="")).content
    assert content == Unsupported("order", "review_and_pay 19.90 BRL (REF1): 2 × Tea 9.95")


def test_a_pix_key_is_shown_in_words(waha: Any) -> None:
    code = {"merchant_name": "Tea House", "key": "tea@example.org", "key_type": "EMAIL"}
    settings = [{"type": "pix_static_code", "pix_static_code": code}]
    button = {"name": "payment_info", "buttonParamsJson": json.dumps({"payment_settings": settings})}
    message = {"interactiveMessage": {"nativeFlowMessage": {"buttons": [button]}}}
    content = waha.message(waha.noweb(message, body="")).content
    assert content == Unsupported("order", "payment_info: Tea House tea@example.org")


def test_a_catalogue_order_is_shown_in_words(waha: Any) -> None:
    order = {"orderId": "7", "itemCount": 3, "totalAmount1000": "45000", "totalCurrencyCode": "BRL", "message": "fast!"}
    content = waha.message(waha.noweb({"orderMessage": order}, body=None)).content
    assert content == Unsupported("order", "order 45.00 BRL (7): 3 items, fast!")


def test_lists_and_buttons_that_a_business_sends(waha: Any) -> None:
    menu = {"listMessage": {"title": "Menu", "description": "Choose", "buttonText": "Open"}}
    assert waha.message(waha.noweb(menu, body=None)).content == ListMenu("Menu", "Choose")
    assert waha.message(waha.noweb({"buttonsMessage": {"contentText": "Sure?"}}, body=None)).content == Buttons("Sure?")
    filled = {"HydratedFourRowTemplate": {"hydratedContentText": "Hello Rosa"}}
    for template in (filled, {"Format": filled}):
        assert waha.message(waha.gows({"templateMessage": template}, body=None)).content == Template("Hello Rosa")


def test_an_unknown_kind_is_shown_with_its_name_and_its_words(waha: Any) -> None:
    assert waha.message(waha.gows({"eventMessage": {"name": "Party"}}, body=None)).content == Unsupported(
        "eventMessage", "Party"
    )
    assert waha.message(waha.webjs({"type": "hologram"})).content == Unsupported("hologram", "hello")
    assert waha.message(waha.gows({"futureMessage": {}})).content.to_wire() == {
        "type": "unsupported",
        "kind": "futureMessage",
        "text": "hello",
    }


@pytest.mark.parametrize(
    "message",
    [{}, {"messageContextInfo": {"messageSecret": "x"}}, {"senderKeyDistributionMessage": {}}, {"conversation": ""}],
)
def test_what_shows_nothing_makes_no_message(waha: Any, message: dict[str, Any]) -> None:
    assert waha.hear(waha.gows(message, body=None)) == Ignored("nothing_to_show")


@pytest.mark.parametrize("key", ["protocolMessage", "reactionMessage", "pollUpdateMessage", "placeholderMessage"])
def test_changes_of_other_messages_are_no_messages(waha: Any, key: str) -> None:
    assert waha.hear(waha.gows({key: {"text": "x"}}, body=None)) == Ignored("no_message")


def test_notices_of_the_platform_without_words_make_no_message(waha: Any) -> None:
    assert waha.hear(waha.webjs({"type": "notification_template"}, body="")) == Ignored("system_notice")
    assert waha.message(waha.webjs({"type": "gp2"}, body="Caio left")).content == System("gp2", "Caio left")
