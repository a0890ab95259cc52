import json
import socket
import stat
from pathlib import Path

import pytest
from local_stack import stack
from local_stack.__main__ import main
from local_stack.instances import Instance
from local_stack.ports import is_free
from local_stack.process_table import SERVICES, programs, service_environment
from local_stack.progress import CannotContinue


def _values(content: object) -> set[str]:
    if isinstance(content, dict):
        return set().union(*(_values(value) for value in content.values()))
    return {str(content)}


@pytest.mark.parametrize("name", ["", "Demo", "a b", "../x", "-x", "x_y", "x" * 60])
def test_a_name_that_could_not_be_a_folder_or_a_node_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotContinue, match="cannot be an instance's name"):
        Instance.open(name, tmp_path, {})


def test_every_secret_differs_between_two_installations(tmp_path: Path) -> None:
    one = _values(Instance.open("demo", tmp_path / "one", {}).secrets)
    other = _values(Instance.open("demo", tmp_path / "other", {}).secrets)
    assert len(one) > 20
    assert not one & other


def test_an_instance_keeps_its_secrets_and_ports(tmp_path: Path) -> None:
    first = Instance.open("demo", tmp_path, {"GATEWAY_PORT": "9999"})
    again = Instance.open("demo", tmp_path, {})
    assert again.secrets == first.secrets
    assert again.ports["gateway"] == 9999


def test_a_secret_that_an_older_version_did_not_know_is_added(tmp_path: Path) -> None:
    older = Instance.open("demo", tmp_path, {})
    path = older.folder / "instance.json"
    content = json.loads(path.read_text())
    del content["secrets"]["simulator_control_key"]
    path.write_text(json.dumps(content))
    newer = Instance.open("demo", tmp_path, {}).secrets
    assert newer.pop("simulator_control_key")
    assert newer.items() <= older.secrets.items()
    assert "simulator_control_key" in path.read_text()


def test_a_service_that_an_older_version_did_not_have_gets_its_secrets_and_ports(tmp_path: Path) -> None:
    first = Instance.open("demo", tmp_path, {"GATEWAY_PORT": "9999"})
    file = first.folder / "instance.json"
    older = json.loads(file.read_text())
    del older["secrets"]["postgres"]["services"]["billing"], older["secrets"]["rabbitmq"]["users"]["billing"]
    del older["ports"]["billing"]
    file.write_text(json.dumps(older))

    again = Instance.open("demo", tmp_path, {})

    assert again.ports == first.ports
    assert again.secrets["postgres"]["services"]["billing"].keys() == {"owner", "app", "relay"}
    assert again.secrets["rabbitmq"]["users"]["billing"]
    assert again.secrets["postgres"]["services"]["contact"] == first.secrets["postgres"]["services"]["contact"]


def test_ports_of_a_stopped_instance_can_be_moved(tmp_path: Path) -> None:
    Instance.open("demo", tmp_path, {})
    moved = Instance.open("demo", tmp_path, {"GATEWAY_PORT": "9999"})
    moved.settle_ports()
    assert Instance.open("demo", tmp_path, {}).ports["gateway"] == 9999


def test_tests_step_aside_where_another_clone_runs_its_own(tmp_path: Path, free_base: int) -> None:
    instance = Instance.open("test", tmp_path, {"TEST_VENTROS_PORT_BASE": str(free_base)})
    with socket.create_server(("127.0.0.1", instance.ports["postgres"])):
        again = Instance.open("test", tmp_path, {})
        again.settle_ports()
        assert again.ports != instance.ports
        assert all(map(is_free, again.ports.values()))
    undisturbed = Instance.open("test", tmp_path, {})
    undisturbed.settle_ports()
    assert undisturbed.ports == again.ports


def test_the_demo_does_not_step_aside(tmp_path: Path, free_base: int) -> None:
    demo = Instance.open("demo", tmp_path, {"VENTROS_PORT_BASE": str(free_base)})
    with socket.create_server(("127.0.0.1", demo.ports["postgres"])):
        again = Instance.open("demo", tmp_path, {})
        again.settle_ports()
        assert again.ports == demo.ports


def test_files_with_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    instance = Instance.open("demo", tmp_path, {})
    programs(instance)
    secrets = [value for value in _values(instance.secrets) if len(value) > 20]
    with_secrets = [
        path
        for path in instance.folder.rglob("*")
        if path.is_file()
        and any(json.dumps(one)[1:-1] in path.read_text() or one in path.read_text() for one in secrets)
    ]
    assert {path.name for path in with_secrets} >= {"instance.json", "jwt_private_key", "encryption_aes_key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in with_secrets} == {0o600}


def test_a_service_gets_its_own_secrets_and_no_other_s(tmp_path: Path) -> None:
    instance = Instance.open("demo", tmp_path, {})
    for service in SERVICES:
        own = " ".join(service_environment(instance, service).values())
        for other in SERVICES:
            passwords = [instance.secrets["rabbitmq"]["users"][other.name]]
            passwords += instance.secrets["postgres"]["services"].get(other.name, {}).values()
            assert all((password in own) == (other is service) for password in passwords)
        assert ("jwt_private_key" in own) == (service.name == "identity")
        assert ("internal_token_private_key" in own) == (service.name == "api-gateway")
        assert ("encryption_aes_key" in own) == (service.name in ("identity", "channel-gateway"))


def test_a_stray_variable_of_the_caller_leads_no_service_astray(tmp_path: Path) -> None:
    stray = {"PORT": "1", "DATABASE_URL_FILE": "/elsewhere", "JWT_PRIVATE_KEY": "theirs", "LOG_LEVEL": "debug"}
    environment = service_environment(Instance.open("demo", tmp_path, stray), SERVICES[0])
    assert environment["PORT"] == "8081"
    assert "DATABASE_URL_FILE" not in environment
    assert "JWT_PRIVATE_KEY" not in environment
    assert environment["LOG_LEVEL"] == "debug"


def test_a_broker_of_one_s_own_is_used_and_ours_not_mistaken_for_it(tmp_path: Path) -> None:
    own = Instance.open("demo", tmp_path, {}).rabbitmq_url_of("contact")
    outside = "amqp://me:mine@broker.example/%2F"
    assert Instance.open("demo", tmp_path, {"RABBITMQ_URL": outside}).rabbitmq_url_of("contact") == outside
    assert Instance.open("demo", tmp_path, {"RABBITMQ_URL": own}).external_rabbitmq_url is None


def test_services_reach_a_server_through_a_proxy_where_one_is_put_and_migrations_never_do(tmp_path: Path) -> None:
    instance = Instance.open("demo", tmp_path, {"THROUGH_PROXIES": "postgres,temporal"})
    session = next(each for each in SERVICES if each.name == "session")
    environment = service_environment(instance, session)
    proxied, direct = instance.ports["postgres_proxy"], instance.ports["postgres"]
    assert f":{proxied}/" in environment["DATABASE_URL"]
    assert f":{proxied}/" in environment["DATABASE_RELAY_URL"]
    assert f":{direct}/" in environment["DATABASE_OWNER_URL"]
    assert environment["TEMPORAL_HOST"] == f"127.0.0.1:{instance.ports['temporal_proxy']}"
    assert environment["RABBITMQ_URL"] == instance.rabbitmq_url_of("session")


def test_a_waha_server_of_one_s_own_replaces_the_simulator(tmp_path: Path) -> None:
    brought = {"WAHA_BASE_URL": "http://waha.example", "WAHA_API_KEY": "k", "WEBHOOK_BASE_URL": "http://here.example"}
    instance = Instance.open("demo", tmp_path, brought)
    table = {program.name: program for program in programs(instance)}
    assert "waha-simulator" not in table
    assert brought.items() <= table["channel-gateway"].environment.items()


def test_what_cannot_continue_is_one_sentence_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up", "--instance", "Not A Name", "--root", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err + printed.out


def test_a_reset_removes_what_a_demo_left_and_no_figures_of_the_benchmark(tmp_path: Path) -> None:
    instance = Instance.open("test-kept", tmp_path)
    beside = instance.folder.with_name("test-kept.json")
    beside.write_text(json.dumps({"inbound": {"sustained_per_s": 1.0}}))
    stack.reset(instance)
    assert beside.exists()
    beside.write_text(json.dumps({"gateway_url": "http://127.0.0.1:8080"}))
    stack.reset(Instance.open("test-kept", tmp_path))
    assert not beside.exists()
