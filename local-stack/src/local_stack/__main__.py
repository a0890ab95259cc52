"""python -m local_stack up | down | status | logs | reset | demo | doctor | temporal | env"""

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from local_stack.instances import Instance
from local_stack.progress import CannotContinue, say


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        command: Callable[[Instance, argparse.Namespace], int] = given.command
        return command(Instance.open(given.instance, given.root), given)
    except CannotContinue as reason:
        sys.stderr.write(f"{reason}\n")
    except BrokenPipeError:  # whoever read along has gone: `make status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except PermissionError as refused:
        sys.stderr.write(f"{refused.filename} belongs to somebody else: run as its owner, or remove it as root.\n")
    except OSError as failed:
        sys.stderr.write(f"{failed}: free what is missing and repeat.\n")
    except KeyboardInterrupt:
        sys.stderr.write("Stopped by you; repeat the command to go on where it was.\n")
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_stack", description="The whole product on one machine.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Callable[[Instance, argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--instance", default="demo", help="whose stack (default: demo)")
        one.add_argument("--root", type=Path, default=None, help="folder that holds .ventros (default: the repository)")
        one.set_defaults(command=command)
        return one

    add("up", _up, "start everything and wait until it is ready").add_argument(
        "--only", default="", help="only these servers, comma-separated: postgres,rabbitmq,temporal"
    )
    add("down", _down, "stop everything; the data stays")
    add("status", _status, "say what runs")
    logs = add("logs", _logs, "follow the logs")
    logs.add_argument("name", nargs="?", default="", help="of one process only")
    logs.add_argument("--no-follow", action="store_true", help="print the last lines and end")
    add("reset", _reset, "stop everything and remove the instance's folder")
    add("demo", _demo, "start everything and play a conversation through it")
    add("doctor", _doctor, "ask every dependency by using it, and name the repair of what does not work")
    add("temporal", _temporal, "find Temporal's program or bring it, once per user")
    env = add("env", _env, 'print addresses for a shell: eval "$(python -m local_stack env)"')
    env.add_argument("service", nargs="?", default="", help="print the whole environment of this service instead")
    add("supervise", _supervise, "keep everything alive (what `up` starts in the background)")
    return parser


def _up(instance: Instance, given: argparse.Namespace) -> int:
    if given.only:
        only = {name.strip() for name in given.only.split(",")}
        if "temporal" in only and not instance.external_temporal_host:
            only -= _without_temporal(instance)
        instance.start(only)
        say(f"Instance {instance.name} runs {', '.join(sorted(only)) or 'nothing'}.")
        return 0
    from local_stack import stack

    stack.up(instance)
    return 0


def _without_temporal(instance: Instance) -> set[str]:
    """Bring its program; where none can be had, say so and go on without."""
    from local_stack import temporal_program

    try:
        temporal_program.obtain(instance.environment)
    except CannotContinue as reason:
        say(str(reason))
        return {"temporal"}
    return set()


def _down(instance: Instance, given: argparse.Namespace) -> int:
    from local_stack import stack

    stack.down(instance)
    return 0


def _reset(instance: Instance, given: argparse.Namespace) -> int:
    from local_stack import stack

    stack.reset(instance)
    return 0


def _status(instance: Instance, given: argparse.Namespace) -> int:
    from local_stack import stack

    return 0 if stack.status(instance) else 1


def _logs(instance: Instance, given: argparse.Namespace) -> int:
    logs = sorted(instance.logs.glob("*.log"))
    if given.name:
        logs = [log for log in logs if log.stem == given.name]
    if not logs:
        raise CannotContinue(f"There is no log {given.name or 'yet'}: see `make status INSTANCE={instance.name}`.")
    sys.stdout.flush()
    follow = [] if given.no_follow else ["-F"]
    os.execvp("tail", ["tail", "-n", "40", *follow, *map(str, logs)])  # noqa: S606, S607


def _demo(instance: Instance, given: argparse.Namespace) -> int:
    play: Callable[[Instance], int] = importlib.import_module("local_stack.demo").play
    return play(instance)


def _doctor(instance: Instance, given: argparse.Namespace) -> int:
    from local_stack.doctor.examination import examine

    return examine(instance)


def _temporal(instance: Instance, given: argparse.Namespace) -> int:
    from local_stack import temporal_program

    say(f"Temporal's program is {temporal_program.obtain(instance.environment)}")
    return 0


def _env(instance: Instance, given: argparse.Namespace) -> int:
    from local_stack import process_table

    values = process_table.addresses(instance)
    if given.service:
        found = [one for one in process_table.SERVICES if one.name == given.service]
        if not found:
            names = ", ".join(one.name for one in process_table.SERVICES)
            raise CannotContinue(f"There is no service called {given.service}: choose one of {names}.")
        inherited = instance.environment
        own = process_table.service_environment(instance, found[0])
        values = {name: value for name, value in own.items() if inherited.get(name) != value}
    for name, value in sorted(values.items()):
        say(f"export {name}={shlex.quote(value)}")
    return 0


def _supervise(instance: Instance, given: argparse.Namespace) -> int:
    from local_stack.process_table import jobs, programs
    from local_stack.supervisor import Supervisor, servers_of, start_locked

    servers = servers_of(instance)
    everything = [*programs(instance), *jobs(instance)]
    Supervisor(instance.folder, everything, servers, lambda server: start_locked(instance, server)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
