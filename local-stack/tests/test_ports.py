import os
import socket

import pytest
from local_stack import ports
from local_stack.progress import CannotContinue


def test_the_demo_has_the_documented_ports() -> None:
    demo = ports.default_ports("demo")
    names = ("gateway", "identity", "contact", "session", "messaging", "channel_gateway")
    assert [demo[name] for name in names] == [8080, 8081, 8082, 8083, 8084, 8086]


def test_demo_test_and_bench_run_side_by_side() -> None:
    blocks = [set(ports.default_ports(name).values()) for name in ("demo", "test", "bench", "somebody-s-own")]
    assert len(set.union(*blocks)) == sum(len(block) for block in blocks)


@pytest.mark.parametrize("name", ["demo", "test", "bench", "a", "x-1", "another-one"])
def test_default_ports_stay_below_those_that_linux_hands_out(name: str) -> None:
    assert all(1024 < port < 32768 for port in ports.default_ports(name).values())


def test_a_base_moves_the_block_and_a_single_name_one_port() -> None:
    chosen = ports.overridden("demo", {"VENTROS_PORT_BASE": "9500", "GATEWAY_PORT": "9999"})
    assert chosen["gateway"] == 9999
    assert chosen["postgres"] == 9500 + ports.OFFSETS["postgres"]


def test_the_demo_s_variables_do_not_move_the_tests_beside_it() -> None:
    outside = {"VENTROS_PORT_BASE": "9500", "GATEWAY_PORT": "9999", "RABBITMQ_URL": "amqp://somewhere"}
    assert ports.overridden("test", outside) == {}
    assert ports.setting("test", "RABBITMQ_URL", outside) is None
    assert ports.overridden("test", {"TEST_GATEWAY_PORT": "9998"}) == {"gateway": 9998}


@pytest.mark.parametrize("text", ["http", "80", "70000", "-1"])
def test_what_is_no_port_number_is_told_by_its_variable(text: str) -> None:
    with pytest.raises(CannotContinue, match=r"GATEWAY_PORT is .*set it to a port number"):
        ports.overridden("demo", {"GATEWAY_PORT": text})


def test_a_port_given_twice_is_told() -> None:
    with pytest.raises(CannotContinue, match=r"given twice.*GATEWAY_PORT and IDENTITY_PORT"):
        ports.check_distinct("demo", ports.default_ports("demo") | {"identity": 8080})


def test_a_taken_port_gets_one_sentence_with_who_takes_it_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotContinue) as told:
            ports.check_free("demo", "postgres", port)
    text = str(told.value)
    assert str(port) in text
    assert f"(pid {os.getpid()})" in text
    assert "POSTGRES_PORT=<port>" in text
    assert "\n" not in text
