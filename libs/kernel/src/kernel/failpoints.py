"""Named places where a process can be made to die, for tests of crashes.

Armed only at process start by `CRASH_AT=<name>[:<nth time>]`, never by the content of a message,
and refused in production.
"""

import os
import signal

TEST_ENVIRONMENTS = ("development", "test")


class Failpoints:
    """`reach(name)` kills the own process with SIGKILL when that name is armed; otherwise it does nothing."""

    def __init__(self, armed: str | None = None, at_reach: int = 1) -> None:
        self._armed = armed
        self._left = at_reach

    @classmethod
    def from_setting(cls, setting: str | None, env: str) -> "Failpoints":
        """Read `relay.after_confirm` or `relay.after_confirm:3`; raise ValueError outside of tests."""
        if not setting:
            return cls()
        if env not in TEST_ENVIRONMENTS:
            raise ValueError(f"CRASH_AT is refused where ENV is not one of {', '.join(TEST_ENVIRONMENTS)}")
        name, _, nth = setting.partition(":")
        return cls(name, int(nth or 1))

    def reach(self, name: str) -> None:
        """Pass the place `name`, or die there."""
        if name != self._armed:
            return
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


NO_FAILPOINTS = Failpoints()
