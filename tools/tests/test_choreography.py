"""Who says and who hears, read from source trees planted here."""

import json
from pathlib import Path

import generate
import map as choreography_map
import pytest
from choreography import ChoreographyError, read_choreography
from contracts.public import public_events

ANNOUNCEMENTS = """
from contracts.channel.message_received_v1 import ChannelMessageReceivedV1
from contracts.contact.sender_identified_v1 import ContactSenderIdentifiedV1

def announce(cause: ChannelMessageReceivedV1) -> ContactSenderIdentifiedV1:
    return ContactSenderIdentifiedV1(chat_key=cause.channel_id)
"""
HEARS_RECEIVED = """
from contracts.channel.message_received_v1 import ChannelMessageReceivedV1

HEARS = ChannelMessageReceivedV1
"""


def plant(root: Path, file: str, text: str) -> None:
    path = root / "services" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    says = ANNOUNCEMENTS.replace("ContactSenderIdentifiedV1(", "ChannelMessageReceivedV1(")
    plant(tmp_path, "channel-gateway/src/channel_gateway/application/announcements.py", says)
    plant(tmp_path, "contact/src/contact/application/announcements.py", ANNOUNCEMENTS)
    plant(tmp_path, "contact/src/contact/entrypoints/events/on_channel_message_received.py", HEARS_RECEIVED)
    plant(
        tmp_path,
        "session/src/session/entrypoints/events/on_contact_sender_identified.py",
        "from contracts.contact.sender_identified_v1 import ContactSenderIdentifiedV1 as Heard\nHEARS: type = Heard\n",
    )
    plant(
        tmp_path,
        "api-gateway/src/api_gateway/entrypoints/events/on_identity_api_key_revoked.py",
        "from contracts.identity.api_key_revoked_v1 import IdentityApiKeyRevokedV1\n"
        "HEARS = IdentityApiKeyRevokedV1\nTRANSIENT = True\n",
    )
    plant(
        tmp_path,
        "identity/src/identity/application/speaking.py",
        "from contracts.identity.api_key_revoked_v1 import IdentityApiKeyRevokedV1\nSAYS = {IdentityApiKeyRevokedV1}\n",
    )
    return tmp_path


def test_the_topology_follows_from_the_files(tree: Path) -> None:
    (tree / "contracts").mkdir()
    assert generate.main([], tree) == 0
    topology = json.loads((tree / "contracts" / "topology.json").read_text())
    events = {event_type: who for event_type, who in topology["events"].items() if any(who.values())}
    assert (topology["exchange"], topology["dead_letter_exchange"]) == ("ventros.events", "ventros.dead")
    assert events == {
        "channel.message_received.v1": {"subscriptions": ["contact.channel_message_received"], "transient": []},
        "contact.sender_identified.v1": {"subscriptions": ["session.contact_sender_identified"], "transient": []},
        "identity.api_key_revoked.v1": {"subscriptions": [], "transient": ["api-gateway.identity_api_key_revoked"]},
    }
    assert topology["events"]["message.played.v1"] == {"subscriptions": [], "transient": []}


def test_one_file_may_hear_every_public_event_and_no_other(tree: Path) -> None:
    before = read_choreography(tree)
    hears = "from contracts.public import EveryPublicEvent\n\nHEARS = EveryPublicEvent\n"
    plant(tree, "contact/src/contact/entrypoints/events/on_any_public_event.py", hears)

    found = read_choreography(tree)

    new = set(found.subscriptions) - set(before.subscriptions)
    assert {one.type for one in new} == set(public_events())
    assert {(one.service, one.consumer, one.transient) for one in new} == {("contact", "any_public_event", False)}
    assert found.heard_by("message.sent.v1", transient=False) == ["contact.any_public_event"]
    # An event may be offered before anybody says it.
    assert found.problems() == before.problems() == []


def test_naming_a_class_in_an_annotation_is_not_saying_the_event(tree: Path) -> None:
    assert read_choreography(tree).speakers == {
        "channel.message_received.v1": ("channel-gateway",),
        "contact.sender_identified.v1": ("contact",),
        "identity.api_key_revoked.v1": ("identity",),
    }


def test_the_map_shows_who_says_and_who_hears(tree: Path) -> None:
    lines = choreography_map.table(read_choreography(tree)).splitlines()
    assert [line.split() for line in lines] == [
        ["EVENT", "SAID", "BY", "HEARD", "BY"],
        ["channel.message_received.v1", "channel-gateway", "contact.channel_message_received"],
        ["contact.sender_identified.v1", "contact", "session.contact_sender_identified"],
        ["identity.api_key_revoked.v1", "identity", "~api-gateway.identity_api_key_revoked"],
    ]


def test_the_catalogue_names_speakers_hearers_and_personal_fields(tree: Path) -> None:
    (tree / "contracts").mkdir()
    generate.main([], tree)
    catalogue = (tree / "contracts" / "CATALOG.md").read_text().splitlines()
    (received,) = [line for line in catalogue if line.startswith("| [channel.message_received.v1]")]
    assert "| channel-gateway | contact.channel_message_received |" in received
    assert "`push_name`" in received
    assert "`content.*`" in received
    assert "| a new inbound or phone-typed message, translated from the provider. |" in received
    (revoked,) = [line for line in catalogue if line.startswith("| [identity.api_key_revoked.v1]")]
    assert "api-gateway.identity_api_key_revoked (in passing)" in revoked


def test_the_asyncapi_document_sends_and_receives_what_is_said_and_heard(tree: Path) -> None:
    (tree / "contracts").mkdir()
    generate.main([], tree)
    document = json.loads((tree / "contracts" / "asyncapi.json").read_text())
    assert document["asyncapi"] == "3.0.0"
    operation = document["operations"]["contact.channel_message_received"]
    assert operation["action"] == "receive"
    assert document["operations"]["contact.says.contact.sender_identified.v1"]["action"] == "send"
    assert operation["channel"] == {"$ref": "#/channels/channel.message_received.v1"}
    for channel in document["channels"].values():
        message = document["components"]["messages"][channel["messages"]["batch"]["$ref"].rpartition("/")[2]]
        for part in message["payload"]["items"]["allOf"]:
            reference = part.get("$ref") or part["properties"]["data"]["$ref"]
            assert (tree / "contracts" / reference).is_file()


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("on_message_read.py", HEARS_RECEIVED, "it is called on_channel_message_received.py"),
        ("on_channel_message_received.py", "def on_x(): ...", "needs a constant HEARS"),
        ("on_channel_message_received.py", "HEARS = Something", "not imported from contracts"),
        ("on_message_sent.py", "HEARS = EveryPublicEvent", "it is called on_any_public_event.py"),
        (
            "on_channel_message_received.py",
            HEARS_RECEIVED.replace("ReceivedV1", "ReceivedV7"),
            "no event class ChannelMessageReceivedV7",
        ),
    ],
)
def test_a_subscription_that_cannot_be_understood_stops_the_generator(
    tree: Path, file: str, text: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tree, f"session/src/session/entrypoints/events/{file}", text)
    with pytest.raises(ChoreographyError, match=complaint):
        read_choreography(tree)
    assert generate.main(["--check"], tree) == 1
    assert complaint in capsys.readouterr().err


def test_what_is_heard_and_said_by_nobody_is_a_problem(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "services/contact/src/contact/application/announcements.py").unlink()
    (tree / "contracts").mkdir()
    assert generate.main([], tree) == 1
    complaint = "contact.sender_identified.v1 is heard by session.contact_sender_identified and said by nobody"
    assert complaint in capsys.readouterr().err


def test_an_event_that_two_services_say_is_a_problem(tree: Path) -> None:
    plant(tree, "session/src/session/application/announcements.py", ANNOUNCEMENTS)
    assert read_choreography(tree).problems() == [
        "contact.sender_identified.v1 is said by contact and session: one service owns an event"
    ]
