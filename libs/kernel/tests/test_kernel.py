import asyncio
import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel.backoff import Backoff
from kernel.failpoints import Failpoints
from kernel.ids import first_id_at, is_id, milliseconds_of, new_id
from kernel.running import run_roles
from kernel.settings import Environment, SettingsError


def test_ids_are_version_seven_and_sort_by_creation() -> None:
    ids = [new_id() for _ in range(200)]

    assert ids == sorted(ids)
    assert all(is_id(each) and each[14] == "7" for each in ids)


@given(st.integers(min_value=0, max_value=2**47))
def test_a_range_of_ids_begins_at_its_millisecond(milliseconds: int) -> None:
    first = first_id_at(milliseconds)

    assert milliseconds_of(first) == milliseconds
    assert first_id_at(milliseconds + 1) > first


def test_upper_case_or_braced_ids_are_not_ids() -> None:
    assert not is_id(new_id().upper())
    assert not is_id("{" + new_id() + "}")
    assert not is_id("42")


def test_delays_double_up_to_their_limit_and_start_over() -> None:
    backoff = Backoff(0.1, 1.0, rand=lambda: 0.0)

    assert [backoff.next_s() for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    backoff.reset()
    assert backoff.next_s() == 0.1


def test_every_problem_of_the_environment_is_told_at_once(tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    env = Environment({"PORT": "eighty", "KEY_FILE": str(secret), "DOCS": "maybe"})

    assert env.text("KEY") == "s3cret"
    env.text("DATABASE_URL")
    env.integer("PORT", 8080)
    env.flag("DOCS", True)

    with pytest.raises(SettingsError) as told:
        env.check()
    assert str(told.value) == "DATABASE_URL is required; PORT must be a whole number; DOCS must be true or false"


def test_an_armed_failpoint_kills_its_own_process_at_the_nth_pass() -> None:
    program = (
        "from kernel.failpoints import Failpoints\n"
        "f = Failpoints.from_setting('here:3', 'test')\n"
        "for n in range(5):\n    f.reach('elsewhere'); print(n, flush=True); f.reach('here')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == ["0", "1", "2"]


@pytest.mark.parametrize("env", ["production", "", "staging", "Production"])
def test_production_refuses_failpoints(env: str) -> None:
    with pytest.raises(ValueError, match="refused"):
        Failpoints.from_setting("relay.after_confirm", env)


class _Role:
    def __init__(self, name: str, told: list[str]) -> None:
        self.name = name
        self._told = told

    async def run(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._told.append(self.name)


async def test_roles_stop_one_after_the_other_in_the_order_given() -> None:
    told: list[str] = []
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_roles([_Role("consume", told), _Role("api", told), _Role("relay", told)], stop=stop)
    )

    stop.set()
    await asyncio.wait_for(running, 5)

    assert told == ["consume", "api", "relay"]


async def test_a_role_that_fails_ends_the_process_with_its_error() -> None:
    class Broken(_Role):
        async def run(self, stopping: asyncio.Event) -> None:
            raise OSError("the port is taken")

    told: list[str] = []
    with pytest.raises(OSError, match="the port is taken"):
        await asyncio.wait_for(run_roles([_Role("consume", told), Broken("api", told)]), 5)
    assert told == ["consume"]


async def test_sigterm_stops_the_roles() -> None:
    told: list[str] = []
    running = asyncio.create_task(run_roles([_Role("api", told)]))
    await asyncio.sleep(0)

    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 5)

    assert told == ["api"]
