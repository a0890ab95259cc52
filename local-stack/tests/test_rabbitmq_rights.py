import re
from pathlib import Path

import pytest
from local_stack import rabbitmq_package, system_package
from local_stack.credentials import SERVICES
from local_stack.progress import CannotContinue
from local_stack.rabbitmq_definitions import definitions, password_hash, service_permissions

PASSWORDS = dict.fromkeys((*SERVICES, "topology", "tests"), "p")


def test_passwords_are_hashed_the_way_rabbitmq_documents_it() -> None:
    # The worked example of RabbitMQ's "Passwords" guide.
    assert password_hash("test12", bytes.fromhex("908dc60a")) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


@pytest.mark.parametrize(
    ("action", "name", "allowed"),
    [
        ("configure", "contact.tmp.0198", True),
        ("configure", "contact.messages.0", False),
        ("configure", "session.tmp.0198", False),
        ("configure", "ventros.events", False),
        ("write", "ventros.events", True),
        ("write", "ventros-events", False),
        ("write", "ventros.dead", False),
        ("write", "session.messages.0", False),
        ("read", "contact.messages.0", True),
        ("read", "contact.messages.0.dlq", True),
        ("read", "contacts.messages.0", False),
        ("read", "session.messages.0", False),
        ("read", "ventros.events", True),
    ],
)
def test_a_service_may_do_no_more_than_its_work(action: str, name: str, allowed: bool) -> None:
    assert bool(re.search(service_permissions("contact")[action], name)) is allowed


def test_only_an_instance_for_tests_has_a_user_for_tests() -> None:
    assert "tests" in {user["name"] for user in definitions(PASSWORDS, for_tests=True)["users"]}
    assert "tests" not in {user["name"] for user in definitions(PASSWORDS, for_tests=False)["users"]}


@pytest.mark.parametrize("before", [None, "#!/bin/sh\nexit 0\n"])
@pytest.mark.parametrize("killed_before", [False, True])
def test_no_broker_starts_while_the_package_installs_and_the_old_policy_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None, killed_before: bool
) -> None:
    policy = tmp_path / "policy-rc.d"
    if before:
        policy.write_text(before)
    monkeypatch.setattr(system_package, "_POLICY", policy)
    if killed_before:
        left_behind = system_package.no_service_starts()
        left_behind.__enter__()
    with system_package.no_service_starts():
        assert "exit 101" in policy.read_text()
        assert policy.stat().st_mode & 0o111
    assert (policy.read_text() if policy.exists() else None) == before


def test_without_root_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq_package, "_find", lambda: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(CannotContinue, match=r"sudo apt-get install rabbitmq-server.*RABBITMQ_URL"):
        rabbitmq_package.server_script()
