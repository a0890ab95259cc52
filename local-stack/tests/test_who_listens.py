"""Who listens where, as the doctor reads it from /proc."""

import subprocess
import sys

from local_stack.doctor.machine import listening_of

BUSY = """
import socket, threading
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
def work():
    while True:
        for file in [open("/dev/null") for _ in range(50)]: file.close()
threading.Thread(target=work, daemon=True).start()
input()
"""


def test_a_server_that_opens_and_closes_files_all_the_time_is_still_seen_to_listen() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as busy:
        assert busy.stdout is not None
        port = int(busy.stdout.readline())
        seen = [port in listening_of({busy.pid}).values() for _ in range(100)]
        busy.kill()
    assert all(seen)
